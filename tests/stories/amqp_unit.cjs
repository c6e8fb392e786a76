// A unit's own program on amqplib, which knows only docs/rabbitmq.md: it takes letters, drops those it has had, and
// answers each dispatch with an acknowledgement and a feedback. Says a line of JSON for all that it sees.
// Arguments: the broker's address, the out queue, the in exchange.
const amqp = require('amqplib')
const [, , url, queue, exchange] = process.argv
const had = new Set()
const say = (told) => process.stdout.write(JSON.stringify(told) + '\n')

const events = (letter) => [
  ['case.acknowledgement', {}],
  ['case.feedback', { description: '已处置' }],
].map(([type, data]) => ({
  specversion: '1.0',
  id: `${letter.id}-${type}`,
  source: '/telecom/system',
  type,
  subject: letter.subject,
  time: new Date().toISOString(),
  data,
}))

async function session () {
  const connection = await amqp.connect(url, { heartbeat: 10 })
  const lost = new Promise((resolve) => connection.once('close', resolve))
  connection.on('error', () => {})
  const channel = await connection.createConfirmChannel()
  channel.on('error', () => connection.close().catch(() => {}))
  // What no queue took comes back: it is sent again.
  channel.on('return', ({ fields, properties, content }) => setTimeout(() => {
    const { contentType, messageId, correlationId, replyTo } = properties
    const more = { contentType, messageId, correlationId, replyTo, persistent: true, mandatory: true }
    try { channel.publish(fields.exchange, fields.routingKey, content, more) } catch { /* the next session's */ }
  }, 200))
  await channel.prefetch(50)
  await channel.consume(queue, (message) => take(channel, message).catch(() => {}))
  say({ connected: true })
  await lost
}

async function take (channel, message) {
  if (message === null) return
  const { properties } = message
  if (properties.type === 'cityhub.answer' || properties.type === 'cityhub.problem') {
    say({ answer: JSON.parse(message.content), kind: properties.type, to: properties.correlationId })
    return channel.ack(message)
  }
  const letter = JSON.parse(message.content)
  const repeated = had.has(properties.messageId)
  say({
    letter: properties.messageId,
    repeated,
    type: letter.type,
    subject: letter.subject,
    sequence: letter.sequence,
    header: properties.headers['cloudEvents:subject'],
    body: message.content.toString('base64'),
  })
  if (!repeated && letter.type === 'case.dispatch') {
    for (const event of events(letter)) {
      channel.publish(exchange, letter.subject, Buffer.from(JSON.stringify(event)), {
        contentType: 'application/cloudevents+json',
        messageId: event.id,
        correlationId: letter.id,
        replyTo: queue,
        persistent: true,
        mandatory: true,
      })
    }
    // The letter is confirmed once its answers are safe.
    await channel.waitForConfirms()
  }
  had.add(properties.messageId)
  channel.ack(message)
}

async function main () {
  for (;;) {
    await session().catch((fault) => say({ fault: String(fault).slice(0, 200) }))
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
process.stdin.on('end', () => process.exit(0)).resume()
main()
