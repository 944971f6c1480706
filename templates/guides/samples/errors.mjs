import { setTimeout as sleep } from "node:timers/promises";

const { GALLOP_URL, GALLOP_API_KEY } = process.env;
const TRIES_MAX = 5;

// Post, and come back later when we are asked to. Other errors are told in words.
async function ask(path, inputs) {
  let answer;
  for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
    answer = await fetch(`${GALLOP_URL}/api/v3/${path}`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${GALLOP_API_KEY}`,
        "Content-Type": "application/json",
      },
      body: JSON.stringify(inputs),
    });
    if (answer.status !== 429) break;
    await sleep(1000 * Number(answer.headers.get("Retry-After")));
  }
  const { message, data } = await answer.json();
  if (!answer.ok) throw new Error(`${message} (request ${data.request_id})`);
  return data;
}

try {
  await ask("alibaba/happyhorse-1.1/text-to-video", { prompt: "A horse", resolution: "480p" });
} catch (error) {
  console.log(error.message);
}
