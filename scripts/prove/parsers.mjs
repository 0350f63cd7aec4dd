// Every parser of what others wrote, under bytes that a seed makes from a kept corpus: each input has a typed end, soon.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readClientFrame, readHubFrame } from '#dist/contracts/wire/read-frames.js'
import { parseJson } from '#dist/contracts/json/json.js'
import { reencodeJson } from '#dist/contracts/json/lossless-json.js'
import { KittiwakeError } from '#dist/errors.js'
import { parseConfig } from '#dist/project/config/config.js'
import { parseSeed } from '#dist/project/glossary-seed.js'
import { parseRemote } from '#dist/project/git/remote-url.js'
import { parseRequest, parseStatus } from '#dist/background/protocol.js'
import { CommitDeferral } from '#dist/workers/git/deferral.js'
import { parseDecisionLines } from '#dist/workers/git/logs/decision-lines.js'
import { parseGlossaryLines } from '#dist/workers/git/logs/glossary-log.js'
import { patchIndex } from '#dist/workers/git/index/index-file.js'
import { parseStatusLines } from '#dist/workers/git/logs/status-lines.js'
import { parseTree } from '#dist/workers/git/objects/tree.js'
import { readBatchReply } from '#dist/workers/socket/batch-answer.js'
import { INGRESS_LIMITS } from '#dist/workers/socket/greeting.js'

const CORPUS = new URL('corpus', import.meta.url).pathname
/** A machine that does much else may stand still for a while; a parser that is not linear stands longer. */
const SLOW_MS = 2_000
const LIMITS = { ...INGRESS_LIMITS, retryAfterMaxMs: 1_000 }

/**
 * By name: which fault of the model it meets, and the parser.
 *
 * @type {Record<string, { fault: string, parse: (bytes: Buffer) => unknown }>}
 */
export const PARSERS = {
  'client-frame': { fault: 'F34', parse: (bytes) => readClientFrame(String(bytes)) },
  'hub-frame': { fault: 'F34', parse: (bytes) => readHubFrame(String(bytes)) },
  json: { fault: 'F33', parse: (bytes) => parseJson(String(bytes)) },
  'lossless-json': { fault: 'F33', parse: (bytes) => reencodeValid(String(bytes)) },
  config: { fault: 'F12', parse: (bytes) => parseConfig(bytes, 0o644) },
  seed: { fault: 'F12', parse: parseSeed },
  'decision-log': { fault: 'F24', parse: parseDecisionLines },
  'status-log': { fault: 'F24', parse: parseStatusLines },
  'glossary-log': { fault: 'F24', parse: (bytes) => parseGlossaryLines(bytes, 'a.events.jsonl') },
  'git-index': { fault: 'F21', parse: (bytes) => patchIndex(bytes, [], 'sha1') },
  'git-tree': { fault: 'F21', parse: (bytes) => parseTree(bytes, 'sha1') },
  'batch-reply': { fault: 'F32', parse: (bytes) => readBatchReply(replyOf(bytes), ['a'], LIMITS) },
  'control-request': { fault: 'F34', parse: (bytes) => parseRequest(String(bytes)) },
  'control-status': { fault: 'F34', parse: (bytes) => parseStatus(String(bytes)) },
  remote: { fault: 'F43', parse: (bytes) => parseRemote(String(bytes)) },
}

/**
 * Parses inputs in turn for so long.
 *
 * @returns `inputs`, how many; `hits`, how many by fault; `faults`, what was wrong, with the file that keeps its input
 */
export function fuzzParsers({ random, forMs, parsers = PARSERS, corpus = CORPUS }) {
  const until = performance.now() + forMs
  const seeds = readCorpus(corpus)
  const found = { inputs: 0, hits: {}, faults: [] }
  do {
    for (const [name, { fault, parse }] of Object.entries(parsers)) {
      const bytes = mutated(random, seeds)
      const wrong = wrongWith(parse, bytes)
      found.inputs += 1
      found.hits[fault] = (found.hits[fault] ?? 0) + 1
      if (wrong !== null) found.faults.push(`${name}: ${wrong}: ${keep(corpus, bytes)}`)
    }
  } while (performance.now() < until && found.faults.length === 0)
  return found
}

/** Null where the input has a typed end within its time. */
function wrongWith(parse, bytes) {
  const startedAt = performance.now()
  try {
    parse(bytes)
  } catch (error) {
    if (!(error instanceof KittiwakeError || error instanceof CommitDeferral)) {
      return `threw ${error?.stack ?? error}`
    }
  }
  const ms = performance.now() - startedAt
  return ms > SLOW_MS ? `took ${Math.round(ms)} ms for ${bytes.length} bytes` : null
}

/** The inputs that once said something, by their names; one that failed is read again each time. */
export function readCorpus(folder) {
  const names = existsSync(folder) ? readdirSync(folder).sort() : []
  return names.map((name) => readFileSync(join(folder, name)))
}

function keep(folder, bytes) {
  mkdirSync(folder, { recursive: true })
  const name = `failed-${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}`
  writeFileSync(join(folder, name), bytes)
  return name
}

/** What breaks parsers: ends, escapes, numbers beyond, keys of prototypes, marks of other encodings. */
const WORDS = [
  '{"',
  '":',
  '[[[[',
  '}}',
  '\\u0000',
  '\\ud800',
  '"__proto__":{}',
  '1e999',
  '-0',
  'null',
]
  .concat(
    '9007199254740993',
    '\r\n',
    '\n',
    '\u2028',
    '\ufeff',
    '<<<<<<< HEAD\n',
    '&a [*a]',
    '!!js ',
  )
  .concat(
    '\0',
    '"type":"events"',
    '"event_id":7',
    '- ',
    '? ',
    ': ',
    '---\n',
    '%',
    'DIRC',
    '100644 ',
  )
const DEEP = ['[', '{"a":', '- ', '"', ' ']

const CHANGES = [
  (bytes, random) => flipped(bytes, random),
  (bytes, random) => bytes.subarray(0, random.between(0, bytes.length)),
  (bytes, random) => spliced(bytes, random, Buffer.from(random.pick(WORDS))),
  (bytes, random) => spliced(bytes, random, part(bytes, random)),
  (bytes, random) => Buffer.concat([bytes, part(bytes, random)]),
  (bytes, random) =>
    spliced(bytes, random, Buffer.from(random.pick(DEEP).repeat(random.between(1, 3_000)))),
]

function mutated(random, seeds) {
  let bytes = seeds.length === 0 ? Buffer.alloc(0) : random.pick(seeds)
  for (let left = random.between(0, 4); left > 0; left -= 1) {
    bytes = random.pick(CHANGES)(bytes, random)
  }
  return bytes
}

function flipped(bytes, random) {
  const changed = Buffer.from(bytes)
  if (changed.length > 0)
    changed[random.between(0, changed.length - 1)] ^= 1 << random.between(0, 7)
  return changed
}

function spliced(bytes, random, added) {
  const at = random.between(0, bytes.length)
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at)])
}

function part(bytes, random) {
  const from = random.between(0, bytes.length)
  return bytes.subarray(from, random.between(from, bytes.length))
}

/** It is given what another parser has let through. */
function reencodeValid(text) {
  parseJson(text)
  return reencodeJson(text, 'spaced')
}

function replyOf(bytes) {
  const value = parseJson(String(bytes))
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return { kind: 'reply', status: 200, body: isObject ? value : null, retryAfterMs: null }
}
