// Reads AsyncAPI documents from standard input, one a line, with the standard's own parser; says what it finds wrong.
const { Parser } = require('@asyncapi/parser')
const lines = require('fs').readFileSync(0, 'utf8').split('\n').filter(Boolean)

async function main () {
  for (const line of lines) {
    const { document, diagnostics } = await new Parser().parse(line)
    const bad = diagnostics.filter((each) => each.severity <= 1)
    process.stdout.write(JSON.stringify({
      parsed: document !== undefined,
      bad: bad.map((each) => `${each.path.join('/')}: ${each.message}`),
      channels: document ? document.channels().all().map((each) => each.address()) : [],
      operations: document ? document.operations().all().map((each) => [each.id(), each.action()]) : [],
    }) + '\n')
  }
}
main()
