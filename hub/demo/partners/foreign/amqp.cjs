// A unit's line to a broker, on node's `amqplib`: letters are written down before they are confirmed, and what the unit
// says is sent, under its id, until the hub's answer is there.
'use strict';

const { randomUUID } = require('node:crypto');
const amqp = require('amqplib');

const PREFETCH = 20;
const ANSWER_MS = 5000;
const TRIES = 8;
const REPLIES = 'amq.rabbitmq.reply-to';

class Line {
  /** `heed` takes in a letter's message; it is confirmed once that returns. */
  static async open(url, queue, heed) {
    const line = new Line();
    const connection = await amqp.connect(url);
    connection.on('close', () => process.exit(1));
    line.channel = await connection.createConfirmChannel();
    line.waiting = new Map();
    await line.channel.consume(REPLIES, (message) => line.#answered(message), { noAck: true });
    await line.channel.prefetch(PREFETCH);
    await line.channel.consume(queue, (message) => {
      heed(message);
      line.channel.ack(message);
    });
    return line;
  }

  /** Send one message and wait for the hub's answer to it; the same message again where none comes. */
  async ask(exchange, key, body, properties) {
    for (let again = 1; again <= TRIES; again += 1) {
      const answer = await this.#once(exchange, key, body, properties);
      if (answer && !answer.retryable) return answer;
    }
    throw new Error(`no answer to ${properties.messageId}`);
  }

  /** Send one message and wait for nothing. */
  async send(exchange, key, body, properties) {
    await new Promise((over, failed) => {
      const options = { persistent: true, mandatory: true, ...properties };
      this.channel.publish(exchange, key, body, options, (fault) => (fault ? failed(fault) : over()));
    });
  }

  async #once(exchange, key, body, properties) {
    const correlationId = randomUUID();
    const answered = new Promise((over) => {
      const timer = setTimeout(() => over(null), ANSWER_MS);
      this.waiting.set(correlationId, (answer) => {
        clearTimeout(timer);
        over(answer);
      });
    });
    await this.send(exchange, key, body, { ...properties, correlationId, replyTo: REPLIES });
    const answer = await answered;
    this.waiting.delete(correlationId);
    return answer;
  }

  #answered(message) {
    this.waiting.get(message?.properties.correlationId)?.(JSON.parse(message.content));
  }
}

module.exports = { Line };
