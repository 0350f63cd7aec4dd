import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { counted, named } from '#dist/contracts/values/counted.js'

const SOURCE = fileURLToPath(new URL('../../src', import.meta.url))

/** What is computed, and not far behind it one of our nouns in the plural; what begins with capitals is a constant. */
const BY_HAND =
  /\$\{(?![A-Z]{2})[^{}]*\} (?:[a-z]+ ){0,2}(?:events|commits|files|rows|lines|messages|missions|projects|decisions|moves|markers|findings|violations|occurrences|tokens|webhooks|hubs|terms|packages|ids|days)\b/g

/** Here it is never one. */
const MANY: readonly string[] = [
  'contracts/merges.ts: ${count} events',
  'contracts/reducers/read-stream.ts: ${variants.length} different events',
  'hub/page/model/words.ts: ${Math.floor(ms / 86_400_000)} days',
  'project/bulk-edit/bulk-edit.ts: ${mapped.length} missions',
  'workers/store/append.ts: ${this.#options.capacity} undelivered events',
]

describe('a number with what it counts', () => {
  it('is in the singular for one alone', () => {
    expect([0, 1, 2].map((value) => counted(value, 'event'))).toEqual([
      '0 events',
      '1 event',
      '2 events',
    ])
    expect(counted(1, 'event is held', 'events are held')).toBe('1 event is held')
    expect(counted(3, 'event is held', 'events are held')).toBe('3 events are held')
    expect([named(1, 'person', 'people'), named(0, 'person', 'people')]).toEqual([
      'person',
      'people',
    ])
  })

  it('is written nowhere by hand', () => {
    expect('`${events} events and ${commits_acked} more commits`'.match(BY_HAND)).toHaveLength(2)
    expect('`at most ${EVENTS_MAX} events`'.match(BY_HAND)).toBeNull()
    const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((file) =>
      /\.tsx?$/.test(file),
    )
    expect(files.length).toBeGreaterThan(300)
    const found = files.flatMap((file) =>
      (readFileSync(join(SOURCE, file), 'utf8').match(BY_HAND) ?? []).map(
        (text) => `${file.replaceAll('\\', '/')}: ${text}`,
      ),
    )
    expect(found.sort()).toEqual(MANY)
  })
})
