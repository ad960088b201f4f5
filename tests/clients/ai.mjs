// The cases of `@openrouter/ai-sdk-provider` with `ai`.
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { APICallError, Output, RetryError, generateText, isStepCount, streamText, tool, wrapLanguageModel } from "ai";
import { z } from "zod";
import { MODEL, PLACE, SAID, WEATHER, WISH, run } from "./cases.mjs";

const provider = (gateway, key = "api_key") =>
  createOpenRouter({ baseURL: gateway.base_url, apiKey: gateway[key] ?? key });
const QUIET = { onError: () => {} };

// The provider's model of text completions refuses the tool choice that `ai` always sends.
const completion = (gateway) =>
  wrapLanguageModel({
    model: provider(gateway).completion(MODEL),
    middleware: { transformParams: async ({ params: { toolChoice, ...params } }) => params },
  });

// Tells of one step; the finish reasons that `ai` knows are told as upstream writes them.
async function answer(step, text) {
  const { usage } = (await step.providerMetadata).openrouter;
  const finish = (await step.finishReason).replace("tool-calls", "tool_calls");
  // Of a text completion it makes up an id, but keeps the headers.
  const { headers } = await step.response;
  return { id: headers["x-generation-id"], text, finish, cost: usage.cost, tokens: [usage.promptTokens, usage.completionTokens] };
}

const ask = (gateway, options = {}) =>
  generateText({ model: provider(gateway)(MODEL), prompt: SAID, ...options });

const askStreaming = (gateway, options = {}) =>
  streamText({ model: provider(gateway)(MODEL), prompt: SAID, ...QUIET, ...options });

const weather = (execute) =>
  tool({ description: "The weather", inputSchema: z.object({ city: z.string() }), execute });

const failing = (name, model = MODEL, key = "api_key") => async (gateway) => {
  const wanted = { model: provider(gateway, key)(model), prompt: gateway.marked(name), maxRetries: 1 };
  const done = await ask(gateway, wanted);
  return answer(done, done.text);
};

const cases = {
  chat: async (gateway) => {
    const done = await ask(gateway);
    return answer(done, done.text);
  },
  "chat, streamed": async (gateway) => {
    const done = askStreaming(gateway);
    let text = "";
    for await (const part of done.textStream) text += part;
    return answer(done, text);
  },
  "tool call": async (gateway) => {
    const tools = { weather: weather(async ({ city }) => WEATHER.replace("Paris", city)) };
    const done = await ask(gateway, { prompt: WISH, tools, stopWhen: isStepCount(2) });
    const [first] = done.steps;
    const [call] = first.toolCalls;
    return { ...(await answer(first, first.text)), call: [call.toolName, call.input], final: done.text };
  },
  "tool call, streamed": async (gateway) => {
    const done = askStreaming(gateway, { prompt: WISH, tools: { weather: weather() } });
    await done.consumeStream();
    const [call] = await done.toolCalls;
    return { ...(await answer(done, null)), call: [call.toolName, call.input] };
  },
  "structured output": async (gateway) => {
    const schema = z.object({ city: z.string(), degrees: z.number() });
    const done = await ask(gateway, { prompt: PLACE, output: Output.object({ schema }) });
    return { ...(await answer(done, null)), value: done.output };
  },
  completions: async (gateway) => {
    const done = await ask(gateway, { model: completion(gateway) });
    return answer(done, done.text);
  },
  "completions, streamed": async (gateway) => {
    const done = askStreaming(gateway, { model: completion(gateway) });
    let text = "";
    for await (const part of done.textStream) text += part;
    return answer(done, text);
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
    const told = { text: "" };
    const done = askStreaming(gateway, { model: provider(gateway)("fault/mid-stream-error") });
    for await (const part of done.fullStream) {
      if (part.type === "text-delta") told.text += part.text;
      if (part.type === "error") Object.assign(told, { error: part.error.message, code: part.error.code });
    }
    return told;
  },
};

await run(cases, (error) => {
  const last = RetryError.isInstance(error) ? error.lastError : error;
  return {
    type: last.name,
    status: APICallError.isInstance(last) ? last.statusCode : null,
    message: last.data?.error?.message ?? last.message,
  };
});
