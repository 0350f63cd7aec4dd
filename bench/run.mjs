#!/usr/bin/env node
// `npm run bench`: every figure beside what it is measured against, in one table with its reach and a verdict.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { prepare, root } from '../scripts/prepare.mjs'

const BENCHES = [
  'emit',
  'commit',
  'flush',
  'peers',
  'hub',
  'nats',
  'start',
  'sanitize',
  'queue',
  'memory',
  'nudge',
]

const { values } = parseArgs({
  options: {
    /** One tiny round of each: whether they run, not how fast. */
    short: { type: 'boolean', default: false },
    /** The document alone, on standard output. */
    json: { type: 'boolean', default: false },
    /** These alone, by commas. */
    only: { type: 'string', default: BENCHES.join(',') },
    /** The document also as `bench/results/COMMIT.json`. */
    keep: { type: 'boolean', default: false },
  },
})
const names = values.only.split(',')
if (names.some((name) => !BENCHES.includes(name))) {
  console.error(`usage: run.mjs [--short] [--json] [--keep] [--only ${BENCHES.join(',')}]`)
  process.exit(2)
}
if (process.env.KITTIWAKE_BUILT !== '1') prepare()
const found = []
for (const name of names) {
  const startedAt = performance.now()
  const made = names.length === 1 ? await measured(name) : inProcess(name)
  found.push(...made)
  const seconds = Math.round((performance.now() - startedAt) / 1_000)
  if (names.length > 1 || !values.json) console.error(`bench: ${name}, ${seconds} s`)
}
const commit = execFileSync('git', ['describe', '--always', '--dirty'], {
  cwd: root,
  encoding: 'utf8',
}).trim()
const machine = { node: process.version, platform: process.platform, cores: cpus().length }
const text = JSON.stringify({ commit, machine, isShort: values.short, rows: found }, null, 1)
if (values.keep) keep(text)
if (values.json) console.log(text)
else print(found)

async function measured(name) {
  const { rows } = await import(`./${name}.mjs`)
  return (await rows(values.short)).map((row) => ({ bench: name, ...row }))
}

/** In one of its own: code that another bench has run would have been compiled for that one's values, and its memory be there. */
function inProcess(name) {
  const args = [
    import.meta.filename,
    '--json',
    '--only',
    name,
    ...(values.short ? ['--short'] : []),
  ]
  const env = { ...process.env, KITTIWAKE_BUILT: '1' }
  const stdio = ['ignore', 'pipe', 'inherit']
  const text = execFileSync(process.execPath, args, { env, stdio, maxBuffer: 2 ** 26 })
  return JSON.parse(text.toString('utf8')).rows
}

function keep(document) {
  const folder = join(root, 'bench/results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${commit}.json`), `${document}\n`)
}

function print(rows) {
  const table = [
    ['figure', 'ours', 'beside', '', 'ratio', 'reach', 'verdict'],
    ...rows.map(({ figure, unit, ours, beside, base, value, reach, verdict }) => [
      figure,
      `${number(ours)} ${unit}`,
      beside,
      base === null ? '' : `${number(base)} ${unit}`,
      number(value),
      reach,
      verdict,
    ]),
  ]
  const widths = table[0].map((_, at) => Math.max(...table.map((cells) => cells[at].length)))
  for (const cells of table) {
    console.log(
      cells
        .map((cell, at) => cell.padEnd(widths[at]))
        .join('  ')
        .trimEnd(),
    )
  }
  const count = (verdict) => rows.filter((row) => row.verdict.startsWith(verdict)).length
  const words = ['met', 'missed', 'printed', 'not run'].map((word) => `${count(word)} ${word}`)
  console.log(`bench: ${words.join(', ')}`)
}

function number(value) {
  if (value === null) return ''
  return value >= 1_000 ? value.toFixed(0) : value.toPrecision(3)
}
