import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.GALLOP_WEBHOOK_SECRET);

createServer(async (request, answer) => {
  const body = await text(request);
  try {
    const told = webhook.verify(body, request.headers);
    // The same message may come twice: webhook-id tells.
    console.log(request.headers["webhook-id"], told.status, told.outputs);
    answer.writeHead(204).end();
  } catch {
    answer.writeHead(400).end();
  }
}).listen(process.env.PORT);
