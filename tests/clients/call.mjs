// One call of WaveSpeed's JavaScript client: what to call comes in as JSON, its outcome goes out.
import { readFileSync } from "node:fs";
import { Client } from "wavespeed";

const { baseUrl, key, method, args } = JSON.parse(readFileSync(0, "utf8"));

// An error's own words are not among the fields that JSON takes.
function told(_, value) {
  return value instanceof Error ? { ...value, name: value.name, message: value.message } : value;
}

async function outcome() {
  try {
    return { value: await new Client(key, { baseUrl })[method](...args) };
  } catch (error) {
    return { error };
  }
}

console.log(JSON.stringify(await outcome(), told));
