import { Client } from "wavespeed";

// With a test key, magic words end the film as you like.
const client = new Client(process.env.GALLOP_API_KEY, { baseUrl: process.env.GALLOP_URL });
try {
  await client.run("alibaba/happyhorse-1.1/text-to-video", {
    prompt: "A horse gallops [fail]",
    duration: 3,
  });
} catch (error) {
  console.log(error.message);
}
