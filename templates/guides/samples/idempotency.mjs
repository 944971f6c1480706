import { randomUUID } from "node:crypto";

const { GALLOP_URL, GALLOP_API_KEY } = process.env;
const order = randomUUID();

// It may be tried again as often as it takes: one film, one price, the same answer.
for (let attempt = 0; attempt < 2; attempt++) {
  const answer = await fetch(`${GALLOP_URL}/api/v3/alibaba/happyhorse-1.1/text-to-video`, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${GALLOP_API_KEY}`,
      "Idempotency-Key": order,
      "Content-Type": "application/json",
    },
    body: JSON.stringify({ prompt: "A horse gallops along the sea", duration: 3 }),
  });
  const { data } = await answer.json();
  console.log(data.id, answer.headers.get("Idempotent-Replayed") ?? "false");
}
