const { GALLOP_URL, GALLOP_API_KEY } = process.env;

const answer = await fetch(`${GALLOP_URL}/api/v3/alibaba/happyhorse-1.1/image-to-video`, {
  method: "POST",
  headers: {
    Authorization: `Bearer ${GALLOP_API_KEY}`,
    "Content-Type": "application/json",
  },
  body: JSON.stringify({
    image: `${GALLOP_URL}/static/samples/horse.jpg`,
    prompt: "The horse gallops, dust rises",
    resolution: "720p",
    duration: 3,
  }),
});
const { code, message, data: job } = await answer.json();
if (code !== 200) throw new Error(message);
console.log(job.id, job.status);
