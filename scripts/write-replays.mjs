#!/usr/bin/env node
// Writes the replays that ship with the package into conformance/replays: of each family a stream of events, out of order and
// with some of them twice, and the state that it comes to. With --check nothing is written: a stale file ends it with exit
// code 1.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeJson } from '#dist/contracts/json/json.js'
import { reduceEvents } from '#dist/contracts/reducers/reduce-events.js'
import { root } from './prepare.mjs'
import { STREAM_FAMILIES, streamOf } from './replay-streams.mjs'

export const CONFORMANCE = join(root, 'conformance')
/** Of two aggregates at least. */
const EVENTS = 30
/** Every third event stands there twice, and the fifth has a double that says something else. */
const TWICE_EVERY = 3
const CONFLICT_AT = 5
/** Steps through a list whose length it has no divisor in common with, so that every place comes once. */
const STRIDE = 7_919

/** The texts by their path in the folder: each stream, what it comes to, and the manifest that names them. */
export function replayFiles() {
  const manifest = {
    folder: 'replays',
    fixtures: STREAM_FAMILIES.flatMap((family) => [
      { id: `${family}-stream`, path: `${family}.jsonl`, fixture_type: 'replay_stream' },
      {
        id: `${family}-state`,
        path: `${family}.golden.json`,
        fixture_type: 'reduction',
        event_type: family,
      },
    ]),
  }
  const streams = Object.fromEntries(
    STREAM_FAMILIES.flatMap((family) => {
      const events = disordered(withDoubles(streamOf(family, EVENTS)))
      const lines = events.map((event) => `${encodeJson(event)}\n`)
      return [
        [`replays/${family}.jsonl`, lines.join('')],
        [`replays/${family}.golden.json`, `${encodeJson(reduceEvents(family, events))}\n`],
      ]
    }),
  )
  return { 'manifest.json': `${JSON.stringify(manifest, null, 2)}\n`, ...streams }
}

function withDoubles(events) {
  const twice = events.filter((_, at) => at % TWICE_EVERY === 0)
  const other = { ...events[CONFLICT_AT], build_id: 'build-2' }
  return [...events, ...twice, other]
}

function disordered(events) {
  return events.map((_, at) => events[(at * STRIDE) % events.length])
}

function isStale([name, text]) {
  const path = join(CONFORMANCE, name)
  return !existsSync(path) || readFileSync(path, 'utf8') !== text
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const stale = Object.entries(replayFiles()).filter(isStale)
  if (process.argv.includes('--check')) {
    for (const [name] of stale) console.error(`conformance/${name} is stale`)
    process.exitCode = stale.length === 0 ? 0 : 1
  } else {
    mkdirSync(join(CONFORMANCE, 'replays'), { recursive: true })
    for (const [name, text] of stale) writeFileSync(join(CONFORMANCE, name), text)
  }
}
