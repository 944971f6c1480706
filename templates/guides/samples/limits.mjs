const answer = await fetch(`${process.env.GALLOP_URL}/api/v3/key`, {
  headers: { Authorization: `Bearer ${process.env.GALLOP_API_KEY}` },
});
const { data: key } = await answer.json();
console.log(key.mode, key.scopes, "left of the cap:", key.remaining);
console.log(answer.headers.get("RateLimit"));
