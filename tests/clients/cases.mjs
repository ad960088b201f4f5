// What every client program in JavaScript shares: where the gateway is, and one line per case.
import { readFileSync } from "node:fs";

export const MODEL = "weir/echo";
export const SAID = "one two three";
export const WISH = 'call weather {"city": "Paris"}';
export const WEATHER = "sunny in Paris";
export const PLACE = '{"city": "Paris", "degrees": 21}';
export const PARAMETERS = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
export const TOOL = {
  type: "function",
  function: { name: "weather", description: "The weather", parameters: PARAMETERS },
};

export const user = (text = SAID) => [{ role: "user", content: text }];

// Runs the cases, and prints what each one got, or what it raised.
export async function run(cases, describe) {
  const gateway = JSON.parse(readFileSync(0, "utf8"));
  // A prompt by which a case's requests are counted upstream.
  gateway.marked = (name) => `${gateway.name} ${name}`;
  // Has upstream refuse the next request, and only that.
  gateway.failOnce = async (status) => {
    await fetch(gateway.faults_url, { method: "PUT", body: JSON.stringify([{ name: String(status) }]) });
  };
  for (const [name, test] of Object.entries(cases)) {
    let told;
    try {
      told = { case: name, got: await test(gateway) };
    } catch (error) {
      told = { case: name, raised: { type: error.name, message: String(error.message), ...describe(error) } };
    }
    console.log(JSON.stringify(told));
  }
}
