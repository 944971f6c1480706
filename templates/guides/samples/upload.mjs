import { Client } from "wavespeed";

const client = new Client(process.env.GALLOP_API_KEY, { baseUrl: process.env.GALLOP_URL });
const image = await client.upload("horse.jpg");
const film = await client.run("alibaba/happyhorse-1.1/image-to-video", {
  image,
  prompt: "The horse gallops, dust rises",
  duration: 3,
});
console.log(film.outputs[0]);
