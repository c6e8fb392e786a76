// A telecom on the hub's own broker (移动): CloudEvents over AMQP 0-9-1, read from its queue, written to its exchange.
'use strict';

const { Line } = require('./amqp.cjs');
const { CityTime, Mailroom, Work, chance, run, sentRow, refusedRow } = require('./partner.cjs');
const { bodyOf } = require('./words.cjs');

const STRUCTURED = 'application/cloudevents+json';
const STAMMERS = 0.3;

function orderOf({ data }) {
  return {
    caseNumber: data.case_number,
    number: data.dispatch_number,
    round: data.round,
    kind: data.category_code,
    kindName: data.category_name,
    address: data.place.address ?? '',
    due: Date.parse(data.deadline.due_at),
  };
}

async function play({ config, access, clock, journal }) {
  const unit = access.unit_id;
  const mailroom = new Mailroom(unit, 'rabbitmq', journal);
  const heed = ({ content }) => {
    const event = JSON.parse(content);
    const letter = { id: event.id, contract: event.type, caseNumber: event.subject, sequence: Number(event.sequence) };
    if (!mailroom.arrived(letter)) return;
    if (event.type === 'case.dispatch') work.begin(orderOf(event));
    if (event.type === 'case.recall_notice') work.recall(event.subject);
  };

  const answer = async (kind, order, messageId) => {
    const event = {
      specversion: '1.0',
      id: messageId,
      source: `/systems/${unit}`,
      type: `case.${kind}`,
      subject: order.caseNumber,
      time: CityTime.written(clock.now()),
      datacontenttype: 'application/json',
      data: bodyOf(kind, order, access.name_zh),
    };
    const body = Buffer.from(JSON.stringify(event));
    const properties = { contentType: STRUCTURED, messageId };
    // Some say everything twice; the hub lets it take effect once.
    if (chance(config.seed, messageId) < STAMMERS) await line.send(access.own.exchange, '', body, properties);
    const told = await line.ask(access.own.exchange, '', body, properties);
    const row = told.case_number ? sentRow : refusedRow;
    journal.write({ ...row(unit, kind, messageId, told), by: 'rabbitmq' });
    return Boolean(told.case_number);
  };

  const work = new Work({ unit, seed: config.seed, clock, answer });
  const line = await Line.open(access.own.amqp, access.own.queue, heed);
}

run({ play });
