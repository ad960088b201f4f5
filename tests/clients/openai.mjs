// The cases of `openai` (JavaScript).
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { MODEL, PLACE, SAID, TOOL, WEATHER, WISH, run, user } from "./cases.mjs";

const client = (gateway, { key = "api_key", ...options } = {}) =>
  new OpenAI({ baseURL: gateway.base_url, apiKey: gateway[key] ?? key, ...options });

const answer = ({ id, choices, usage }, text) => ({
  id,
  text,
  finish: choices[0].finish_reason,
  cost: usage.cost,
  tokens: [usage.prompt_tokens, usage.completion_tokens],
});

const create = (gateway, body, options) =>
  client(gateway, options).chat.completions.create({ model: MODEL, messages: user(), ...body });

async function collected(stream, textOf) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  const [id, ...others] = new Set(chunks.map((chunk) => chunk.id));
  if (others.length) throw new Error("the chunks differ in their id");
  return { ...answer(chunks.at(-1), chunks.map(textOf).join("")), id, chunks };
}

const failing = (name, { model = MODEL, ...options } = {}) => async (gateway) => {
  const done = await create(gateway, { model, messages: user(gateway.marked(name)) }, options);
  return answer(done, done.choices[0].message.content);
};

const cases = {
  chat: async (gateway) => {
    const done = await create(gateway, {});
    return answer(done, done.choices[0].message.content);
  },
  "chat, streamed": async (gateway) => {
    const { chunks, ...told } = await collected(
      await create(gateway, { stream: true }),
      (chunk) => chunk.choices[0].delta.content ?? "",
    );
    return told;
  },
  "tool call": async (gateway) => {
    const messages = user(WISH);
    const first = await create(gateway, { messages, tools: [TOOL], tool_choice: "auto" });
    const asked = first.choices[0].message;
    const [call] = asked.tool_calls;
    messages.push(asked, { role: "tool", tool_call_id: call.id, content: WEATHER });
    const second = await create(gateway, { messages, tools: [TOOL] });
    return {
      ...answer(first, asked.content),
      call: [call.function.name, JSON.parse(call.function.arguments)],
      final: second.choices[0].message.content,
    };
  },
  "tool call, streamed": async (gateway) => {
    const runner = client(gateway).chat.completions.stream({
      model: MODEL,
      messages: user(WISH),
      tools: [TOOL],
    });
    const done = await runner.finalChatCompletion();
    const [call] = done.choices[0].message.tool_calls;
    return { ...answer(done, null), call: [call.function.name, JSON.parse(call.function.arguments)] };
  },
  "structured output": async (gateway) => {
    const done = await client(gateway).chat.completions.parse({
      model: MODEL,
      messages: user(PLACE),
      response_format: zodResponseFormat(z.object({ city: z.string(), degrees: z.number() }), "place"),
    });
    return { ...answer(done, null), value: done.choices[0].message.parsed };
  },
  completions: async (gateway) => {
    const done = await client(gateway).completions.create({ model: MODEL, prompt: SAID });
    return answer(done, done.choices[0].text);
  },
  "completions, streamed": async (gateway) => {
    const stream = await client(gateway).completions.create({ model: MODEL, prompt: SAID, stream: true });
    const { chunks, ...told } = await collected(stream, (chunk) => chunk.choices[0].text);
    return told;
  },
  models: async (gateway) => {
    const ids = [];
    for await (const model of client(gateway).models.list()) ids.push(model.id);
    return { ids };
  },
  400: failing("400", { model: "no/such-model" }),
  401: failing("401", { key: "sk-wrong" }),
  402: failing("402", { key: "poor_key" }),
  403: failing("403", { key: "capped_key" }),
  404: failing("404", { model: "fault/404" }),
  429: failing("429", { model: "fault/429", maxRetries: 1 }),
  "503, then an answer": async (gateway) => {
    await gateway.failOnce(503);
    return failing("503, then an answer")(gateway);
  },
  "error in a stream": async (gateway) => {
    let text = "";
    try {
      for await (const chunk of await create(gateway, { model: "fault/mid-stream-error", stream: true }))
        text += chunk.choices[0].delta.content ?? "";
    } catch (error) {
      return { text, error: error.error?.message ?? error.message, code: error.code };
    }
    return { text };
  },
};

await run(cases, (error) => ({ status: error.status, message: error.error?.message ?? error.message, type: error.constructor.name }));
