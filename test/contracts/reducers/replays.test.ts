/** The replays that ship with the package. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { encodeJson } from '#dist/contracts/json/json.js'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { validateEvent } from '#dist/index.js'
import { reduceEvents } from '#dist/contracts/reducers/reduce-events.js'
import { FAMILIES } from '#dist/contracts/reducers/types.js'
import { CONFORMANCE, replayFiles } from '../../../scripts/write-replays.mjs'
import { SeededRandom } from '../../support/seeded-random.ts'

const SHUFFLES = 200
const REPLAYS = join(CONFORMANCE, 'replays')

const eventsOf = (name: string): readonly JsonObject[] =>
  readFileSync(join(REPLAYS, name), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as JsonObject)

describe('the replays', () => {
  it('are those that the present reducers give', () => {
    const found = Object.fromEntries(
      ['manifest.json', ...readdirSync(REPLAYS).map((name) => `replays/${name}`)].map((name) => [
        name,
        readFileSync(join(CONFORMANCE, name), 'utf8'),
      ]),
    )
    expect(found).toEqual(replayFiles())
    expect(Object.keys(found)).toHaveLength(2 * FAMILIES.length + 1)
  })

  it.each(FAMILIES)('of %s are hard: ties, nodes, zones, doubles and disorder', (family) => {
    const events = eventsOf(`${family}.jsonl`)
    const of = (field: string): unknown[] => events.map((event) => event[field])
    const clocks = of('lamport_clock') as number[]
    expect(clocks).not.toEqual(clocks.toSorted((a, b) => a - b))
    expect(new Set(of('node_id')).size).toBeGreaterThan(2)
    expect(new Set(of('aggregate_id')).size).toBeGreaterThan(1)
    expect(new Set(of('event_id')).size).toBeLessThan(events.length)
    expect(new Set(clocks).size).toBeLessThan(new Set(of('event_id')).size)
    expect((of('timestamp') as string[]).filter((text) => !text.endsWith('+00:00'))).not.toEqual([])
    // A reserved name has no payload that could be judged.
    const judged = events.filter(({ event_type }) => event_type !== 'NextStepPlanned')
    const faults = judged.flatMap(
      (event) => validateEvent(event, undefined, { strict: true }).violations,
    )
    expect(faults).toEqual([])
  })

  it.each(FAMILIES)(`of %s come to their golden under ${SHUFFLES} shuffles`, (family) => {
    const golden = readFileSync(join(REPLAYS, `${family}.golden.json`), 'utf8').trimEnd()
    const events = eventsOf(`${family}.jsonl`)
    const random = new SeededRandom(3)
    for (let count = 0; count < SHUFFLES; count += 1) {
      const shuffled = [...events, ...events.filter(() => random.next() < 0.2)]
        .map((event) => ({ event, at: random.next() }))
        .sort((a, b) => a.at - b.at)
        .map(({ event }) => event)
      expect(encodeJson(reduceEvents(family, shuffled))).toBe(golden)
    }
  })
})
