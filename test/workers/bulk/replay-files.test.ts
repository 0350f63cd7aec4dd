/** Replays of many files on a pool, and of files that somebody made to hurt. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import replayFile from '#dist/workers/bulk/replay-file.js'
import type { ReplayOutcome } from '#dist/workers/bulk/replay-file.js'
import { replayFiles } from '#dist/workers/bulk/replay-files.js'
import { EventGather, EVENTS_MAX } from '#dist/workers/bulk/event-gather.js'
import { acceptedOf } from '../../support/reducer-events.ts'

const DEPTH = 100_000
const GIANT = 100 * 1024 * 1024

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kittiwake-replays-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const task = (name: string) => ({ path: join(folder, name), family: 'sync', options: {} }) as const
const replayOf = (name: string, text: string | Buffer): ReplayOutcome => {
  writeFileSync(join(folder, name), text)
  return replayFile(task(name))
}
const eventOf = (number: number, id = `d${number}`): string =>
  JSON.stringify(acceptedOf(number, id))

describe('the replay of one file', () => {
  it.each<[string, string, string]>([
    ['deep JSON', `${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`, 'malformed_event'],
    ['a prototype', '{"__proto__":{"event_id":"x"}}', 'malformed_event'],
    [
      'a clock that was rounded',
      eventOf(1).replace('"lamport_clock":1', '"lamport_clock":9007199254740993'),
      'int_unsafe',
    ],
    ['NaN', eventOf(1).replace('"lamport_clock":1', '"lamport_clock":NaN'), 'not_finite'],
    ['half a line', eventOf(1).slice(0, 40), 'not_json'],
  ])('tells of %s, and takes the other events', (name, line, code) => {
    const outcome = replayOf(`${name.replaceAll(' ', '-')}.jsonl`, `${line}\n${eventOf(2)}\n`)
    expect(outcome).toMatchObject({ state: 'reduced', result: { event_count: 1 } })
    expect(JSON.stringify(outcome)).toContain(`"${code}"`)
  })

  it('passes over a line of 100 MB without keeping it', () => {
    const giant = Buffer.concat([Buffer.alloc(GIANT, 'a'), Buffer.from(`\n${eventOf(1)}\n`)])
    writeFileSync(join(folder, 'giant.jsonl'), giant)
    const before = process.memoryUsage().arrayBuffers
    expect(replayFile(task('giant.jsonl'))).toMatchObject({
      state: 'reduced',
      events: 1,
      faults: [{ line: 1, code: 'too_large' }],
    })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(GIANT / 2)
  })

  it('says where in an array something is wrong', () => {
    const text = `[${eventOf(1)},{"a":1,"a":2},${eventOf(2)}]`
    expect(replayOf('array.json', text)).toMatchObject({
      events: 2,
      fault_count: 1,
      faults: [{ line: 2, code: 'duplicate_key' }],
    })
  })

  it('takes bytes that are no text for no event', () => {
    expect(replayOf('bytes.json', Buffer.from([0xff, 0xfe]))).toMatchObject({
      events: 0,
      faults: [{ code: 'not_utf8' }],
    })
    expect(replayFile(task('gone.jsonl'))).toMatchObject({ state: 'unreadable' })
    mkdirSync(join(folder, 'folder.jsonl'))
    expect(replayFile(task('folder.jsonl'))).toMatchObject({ state: 'unreadable' })
  })

  it('has a number of events that it takes', () => {
    const gather = new EventGather()
    for (let at = 0; at <= EVENTS_MAX; at += 1) gather.takeText(at + 1, '1')
    expect(gather.events).toHaveLength(EVENTS_MAX)
    expect(gather.faults).toMatchObject([{ line: EVENTS_MAX + 1, code: 'too_many_events' }])
  })
})

describe('the replay of many files', () => {
  it('gives one outcome for each, in their order, with any number of threads', async () => {
    const names = Array.from({ length: 40 }, (_, at) => `many-${at}.jsonl`)
    for (const [at, name] of names.entries()) {
      writeFileSync(join(folder, name), `${eventOf(at + 1)}\n`)
    }
    const tasks = [...names, 'gone.jsonl'].map(task)
    const done: number[] = []
    const outcomes = await replayFiles(tasks, { threads: 2, onDone: (count) => done.push(count) })
    expect(outcomes).toEqual(tasks.map(replayFile))
    expect(done).toEqual(tasks.map((_, at) => at + 1))
  })
})
