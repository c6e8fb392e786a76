// What the partners in node share: how one begins and ends, its journal, the city's time, its habits.
'use strict';

const { createHash } = require('node:crypto');
const fs = require('node:fs');
const readline = require('node:readline');

/** Its own journal: JSON lines, on the disk before anything follows from them. */
class Journal {
  constructor(path) {
    this.file = fs.openSync(path, 'a');
  }

  write(...rows) {
    const at = new Date().toISOString();
    fs.writeSync(this.file, rows.map((row) => JSON.stringify({ at, ...row }) + '\n').join(''));
    fs.fsyncSync(this.file);
  }
}

/** Takes letters in (收发): every arrival is written down, each id takes effect once. */
class Mailroom {
  constructor(unit, via, journal) {
    Object.assign(this, { unit, via, journal, known: new Set() });
  }

  /** Whether the letter is new; it is on the disk by then. */
  arrived({ id, contract, caseNumber, sequence }) {
    const row = { unit: this.unit, via: this.via, letter_id: id, contract, case_number: caseNumber, sequence };
    const repeat = this.known.has(id);
    const rows = [{ what: 'letter.received', repeat, ...row }];
    if (!repeat) rows.push({ what: 'letter.taken', ...row });
    this.known.add(id);
    this.journal.write(...rows);
    return !repeat;
  }
}

/** City time, as the hub told it once. */
class CityTime {
  constructor(city, rate) {
    Object.assign(this, { city, rate, toldAt: performance.now() });
  }

  static async ask(url, key) {
    const answer = await fetch(`${url}/api/v1/clock`, { headers: { authorization: `Bearer ${key}` } });
    if (!answer.ok) throw new Error(`GET /api/v1/clock: ${answer.status}`);
    const told = await answer.json();
    return new CityTime(Date.parse(told.now), told.rate);
  }

  now() {
    return this.city + (performance.now() - this.toldAt) * this.rate;
  }

  /** Let so many minutes of the city go by. */
  async pass(minutes) {
    await new Promise((over) => setTimeout(over, Math.max(0, (minutes * 60000) / this.rate)));
  }

  /** A moment as the city writes it, to the second: 2026-11-23T09:30:00+08:00. */
  static written(moment) {
    return new Date(moment + 8 * 3600000).toISOString().slice(0, 19) + '+08:00';
  }
}

/** Chance that depends on the parts alone. */
function chance(...parts) {
  return createHash('sha256').update(parts.join('/')).digest().readUInt32BE() / 2 ** 32;
}

/** What the unit does with an order, in minutes of city time: {acknowledge, give_back} or {acknowledge, finish}. */
function fateOf(seed, unit, order, now) {
  const draw = (what) => chance(seed, unit, order.number, order.round, order.kind, order.address, what);
  const first = order.number === 1 && order.round === 1;
  if (first && draw('back') < 0.1) return { acknowledge: 5 + draw('slow') * 10, giveBack: 30 };
  const left = (order.due - now) / 60000;
  const finish = Math.min(first ? 40 + draw('long') * 90 : 20 + draw('long') * 25, Math.max(left * 0.6, 5));
  return { acknowledge: Math.min(4 + draw('quick') * 16, finish / 2), finish };
}

/** A unit's work (处置): acknowledge, then finish or give back. `answer` sends one message in the unit's own way. */
class Work {
  constructor({ unit, seed, clock, answer }) {
    Object.assign(this, { unit, seed, clock, answer, recalled: new Set() });
  }

  recall(caseNumber) {
    this.recalled.add(caseNumber);
  }

  async begin(order) {
    this.recalled.delete(order.caseNumber);
    const fate = fateOf(this.seed, this.unit, order, this.clock.now());
    await this.clock.pass(fate.acknowledge);
    if (!(await this.says('acknowledgement', order))) return;
    await this.clock.pass((fate.giveBack ?? fate.finish) - fate.acknowledge);
    await this.says(fate.giveBack ? 'return' : 'feedback', order);
  }

  async says(kind, order) {
    if (this.recalled.has(order.caseNumber)) return false;
    return this.answer(kind, order, `${kind}-${order.caseNumber}-${order.number}-${order.round}`);
  }
}

/** The journal's row of a message that the hub took; `told` is what it answered. */
function sentRow(unit, kind, messageId, { case_number, version }) {
  const replayed = false;
  return { what: 'message.sent', unit, message_id: messageId, kind: `case.${kind}`, case_number, version, replayed };
}

/** The journal's row of a message that the hub refused. */
function refusedRow(unit, kind, messageId, { type, problem, detail }) {
  const name = problem ?? String(type).split('/').pop();
  return { what: 'message.refused', unit, message_id: messageId, kind: `case.${kind}`, problem: name, detail };
}

/** Say that the process is there, read its part, play it until standard input ends. */
async function run({ listen, play }) {
  const port = listen ? await listen() : null;
  process.stdout.write(JSON.stringify({ ready: true, port }) + '\n');
  const lines = readline.createInterface({ input: process.stdin });
  // Whoever started this process holds the other end: it ends with them, however they end.
  lines.on('close', () => process.exit(0));
  const [line] = await require('node:events').once(lines, 'line');
  const config = JSON.parse(line);
  const [access] = config.units;
  const clock = await CityTime.ask(config.url, access.key);
  await play({ config, access, clock, journal: new Journal(config.journal) });
}

module.exports = { CityTime, Mailroom, Work, chance, refusedRow, run, sentRow };
