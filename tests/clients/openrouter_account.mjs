// More cases of `@openrouter/sdk`: every method of the catalogue, keys, books and sign-in.
import { MODEL, user } from "./cases.mjs";

const [author, slug] = MODEL.split("/");
const PAGE = 20;
const CALLBACK = "http://localhost:3000/back";

async function allPages(pages) {
  const ids = [];
  for await (const page of pages) {
    if (page.result.data.length > PAGE) throw new Error("a page is too long");
    ids.push(...page.result.data.map((model) => model.id));
  }
  return { ids };
}

const shown = ({ data }) => ({
  hash: data.hash,
  name: data.name,
  limit: data.limit,
  reset: data.limitReset,
  expires: data.expiresAt.toISOString().slice(0, 19),
  off: data.disabled,
});

// The status of what a call raises; null when it raises nothing.
const refusal = (call) => call.then(() => null, (error) => error.statusCode);

export const accountCases = (client) => ({
  models: async (gateway) => allPages(await client(gateway).models.list({ limit: PAGE })),
  "models, counted": async (gateway) => (await client(gateway).models.count()).data,
  "models of a key": async (gateway) =>
    allPages(await client(gateway).models.listForUser({ bearer: gateway.api_key }, { limit: PAGE })),
  model: async (gateway) => {
    const { data } = await client(gateway).models.get({ author, slug });
    const { id, name, created, pricing, supportedParameters } = data;
    return { id, name, created, price: pricing.prompt, parameters: supportedParameters };
  },
  endpoints: async (gateway) => {
    const { data } = await client(gateway).endpoints.list({ author, slug });
    return { id: data.id, providers: data.endpoints.map((one) => one.providerName) };
  },
  "endpoints, ZDR": async (gateway) => {
    const { data } = await client(gateway).endpoints.listZdrEndpoints();
    return { models: data.map((one) => one.modelId) };
  },
  providers: async (gateway) => {
    const { data } = await client(gateway).providers.list();
    return { providers: data.map(({ name, slug }) => [name, slug]) };
  },
  key: async (gateway) => {
    const tell = async (key) => (await client(gateway, key).apiKeys.getCurrentKeyMetadata()).data;
    const mine = await tell("api_key");
    const managing = (await tell("management_key")).isManagementKey;
    const [budget] = (await tell("capped_key")).budgets ?? [{ scope: "key_limit" }];
    return {
      label: mine.label,
      limit: mine.limit,
      managing: [mine.isManagementKey, managing],
      scope: budget.scope,
    };
  },
  keys: async (gateway) => {
    const { apiKeys } = client(gateway, "management_key");
    const made = await apiKeys.create({
      requestBody: {
        name: "app",
        limit: 1.5,
        limitReset: "monthly",
        expiresAt: new Date("2040-12-31T23:59:59Z"),
      },
    });
    const { hash } = made.data;
    const told = { key: made.key, made: shown(made), read: shown(await apiKeys.get({ hash })) };
    const requestBody = { name: "old", limit: null, disabled: true };
    told.changed = shown(await apiKeys.update({ hash, requestBody }));
    const listed = async (query) => (await apiKeys.list(query)).data.map((key) => key.hash);
    told.listed = await listed({ includeDisabled: true });
    told.enabled = await listed();
    told.deleted = (await apiKeys.delete({ hash })).deleted;
    told.gone = await refusal(apiKeys.get({ hash }));
    return told;
  },
  activity: async (gateway) => {
    const { data } = await client(gateway, "management_key").analytics.getUserActivity();
    const rows = data.map((row) => ({
      model: row.model,
      provider: row.providerName,
      requests: row.requests,
      usage: row.usage,
      tokens: [row.promptTokens, row.completionTokens],
      reasoning: row.reasoningTokens,
    }));
    return { rows };
  },
  generation: async (gateway) => {
    const held = client(gateway);
    const asked = await held.chat.send({ chatRequest: { model: MODEL, messages: user() } });
    const { data } = await held.generations.getGeneration({ id: asked.id });
    return {
      id: data.id,
      model: data.model,
      total_cost: data.totalCost,
      tokens_prompt: data.tokensPrompt,
      tokens_completion: data.tokensCompletion,
      streamed: data.streamed,
      finish_reason: data.finishReason,
      provider_name: data.providerName,
    };
  },
  "page to sign in at": async (gateway) => {
    const { oAuth } = client(gateway);
    const { codeChallenge } = await oAuth.createSHA256CodeChallenge();
    const wanted = { callbackUrl: CALLBACK, codeChallenge, codeChallengeMethod: "S256" };
    const url = await oAuth.createAuthorizationUrl(wanted);
    // This client cannot say whose page it is; the app does.
    const page = await fetch(`${url}&tenant=${gateway.name}`);
    return { url, status: page.status, type: page.headers.get("content-type") };
  },
  "code exchanged for a key": async (gateway) => {
    const { oAuth } = client(gateway, "management_key");
    const { codeChallenge, codeVerifier } = await oAuth.createSHA256CodeChallenge();
    const wanted = { callbackUrl: CALLBACK, codeChallenge, codeChallengeMethod: "S256", limit: 1 };
    const { data } = await oAuth.createAuthCode({ requestBody: wanted });
    const requestBody = { code: data.id, codeVerifier, codeChallengeMethod: "S256" };
    const issued = await oAuth.exchangeAuthCodeForAPIKey({ requestBody });
    const again = await refusal(oAuth.exchangeAuthCodeForAPIKey({ requestBody }));
    const done = await client(gateway, issued.key).chat.send({
      chatRequest: { model: MODEL, messages: user() },
    });
    return { again, id: done.id, text: done.choices[0].message.content };
  },
  credits: async (gateway) => {
    const { data } = await client(gateway, "management_key").credits.getCredits();
    return { total: data.totalCredits, used: data.totalUsage };
  },
});
