import { Client } from "wavespeed";

const client = new Client(process.env.GALLOP_API_KEY, { baseUrl: process.env.GALLOP_URL });
const film = await client.run(
  "alibaba/happyhorse-1.1/text-to-video",
  { prompt: "A horse gallops along the sea", duration: 3 },
  { pollInterval: 5 },
);
console.log(film.outputs[0]);
