// The cases of `@openrouter/sdk`: chat and errors; openrouter_account.mjs has the other endpoints.
import { OpenRouter } from "@openrouter/sdk";
import { MODEL, PLACE, TOOL, WEATHER, WISH, run, user } from "./cases.mjs";
import { accountCases } from "./openrouter_account.mjs";

const client = (gateway, key = "api_key") =>
  new OpenRouter({ serverURL: gateway.base_url, apiKey: gateway[key] ?? key });

const answer = ({ id, choices, usage }, text) => ({
  id,
  text,
  finish: choices[0].finishReason,
  cost: usage.cost,
  tokens: [usage.promptTokens, usage.completionTokens],
});

const send = (gateway, fields, key) =>
  client(gateway, key).chat.send({ chatRequest: { model: MODEL, messages: user(), ...fields } });

async function streamed(gateway, fields = {}) {
  const chunks = [];
  for await (const chunk of await send(gateway, { ...fields, stream: true })) chunks.push(chunk);
  const text = chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join("");
  return { chunks, text };
}

const failing = (name, model = MODEL, key = "api_key") => async (gateway) => {
  const done = await send(gateway, { model, messages: user(gateway.marked(name)) }, key);
  return answer(done, done.choices[0].message.content);
};

const cases = {
  chat: async (gateway) => {
    const done = await send(gateway, {});
    return answer(done, done.choices[0].message.content);
  },
  "chat, streamed": async (gateway) => {
    const { chunks, text } = await streamed(gateway);
    const [id, ...others] = new Set(chunks.map((chunk) => chunk.id));
    if (others.length) throw new Error("the chunks differ in their id");
    return { ...answer(chunks.at(-1), text), id };
  },
  "tool call": async (gateway) => {
    const messages = user(WISH);
    const first = await send(gateway, { messages, tools: [TOOL], toolChoice: "auto" });
    const asked = first.choices[0].message;
    const [call] = asked.toolCalls;
    messages.push(asked, { role: "tool", toolCallId: call.id, content: WEATHER });
    const second = await send(gateway, { messages, tools: [TOOL] });
    return {
      ...answer(first, asked.content),
      call: [call.function.name, JSON.parse(call.function.arguments)],
      final: second.choices[0].message.content,
    };
  },
  "tool call, streamed": async (gateway) => {
    const { chunks } = await streamed(gateway, { messages: user(WISH), tools: [TOOL] });
    const parts = chunks.flatMap((chunk) => chunk.choices[0].delta.toolCalls ?? []);
    const written = parts.map((part) => part.function.arguments ?? "").join("");
    return { ...answer(chunks.at(-1), null), call: [parts[0].function.name, JSON.parse(written)] };
  },
  "structured output": async (gateway) => {
    const schema = {
      type: "object",
      properties: { city: { type: "string" }, degrees: { type: "integer" } },
      required: ["city", "degrees"],
    };
    const responseFormat = { type: "json_schema", jsonSchema: { name: "place", schema } };
    const done = await send(gateway, { messages: user(PLACE), responseFormat });
    return { ...answer(done, null), value: JSON.parse(done.choices[0].message.content) };
  },
  400: failing("400", "no/such-model"),
  401: failing("401", MODEL, "sk-wrong"),
  402: failing("402", MODEL, "poor_key"),
  403: failing("403", MODEL, "capped_key"),
  404: failing("404", "fault/404"),
  429: failing("429", "fault/429"),
  "503, then an answer": async (gateway) => {
    await gateway.failOnce(503);
    return failing("503, then an answer")(gateway);
  },
  "error in a stream": async (gateway) => {
    const { chunks, text } = await streamed(gateway, { model: "fault/mid-stream-error" });
    const { message, code } = chunks.at(-1).error;
    return { text, error: message, code };
  },
};

await run({ ...cases, ...accountCases(client) }, (error) => ({
  status: error.statusCode,
  message: error.error?.message ?? error.message,
}));
