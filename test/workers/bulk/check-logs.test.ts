import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert, property, uint8Array } from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import checkLog, { FAULTS_MAX } from '#dist/workers/bulk/check-log.js'
import { checkLogs } from '#dist/workers/bulk/check-logs.js'
import { transition } from '../../support/status-rows.ts'
import { answeredRecord, requestedRecord } from '../../support/ledger-repository.ts'

const MISSION = '01KNXQS9ATWWFXS3K5ZJ9E5008'
const MANY = 4_200

let folder: string
let count = 0

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kittiwake-logs-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A log of its own with these bytes; answers its path. */
function log(bytes: string | Uint8Array, name = 'status.events.jsonl'): string {
  count += 1
  const path = join(folder, String(count), name)
  mkdirSync(join(folder, String(count)))
  writeFileSync(path, bytes)
  return path
}

const line = (value: unknown): string => `${JSON.stringify(value)}\n`
const reasonsOf = (bytes: string | Uint8Array, name?: string): string[] => {
  const outcome = checkLog(log(bytes, name))
  if (outcome.state !== 'checked') throw new Error(outcome.reason)
  return outcome.faults.map((fault) => `${fault.line}: ${fault.reason}`)
}

describe('the check of one log', () => {
  it('counts lines and types, past a byte order mark, CRLF and blank lines', () => {
    const text = `\ufeff${line({ event_id: 'a', event_type: 'One' })}\r\n\n${line({ event_id: 'b', kind: 'Two' })}{"event_id":"c"}\r\n`
    expect(checkLog(log(text))).toMatchObject({
      state: 'checked',
      lines: 3,
      faultCount: 0,
      torn: false,
      countByType: { One: 1, Two: 1, transition: 1 },
      decisions: null,
    })
  })

  it('names each line that can not be used, and never what stands there', () => {
    const bad = [
      'sk-secret-words',
      '[1]',
      '{"type":"x"}',
      '<<<<<<< HEAD',
      '{"event_id":"n","x":1e999}',
      `{"event_id":"d","x":${'['.repeat(70)}${']'.repeat(70)}}`,
      '{"event_id":"p","__proto__":{}}',
    ]
    expect(reasonsOf(`${bad.join('\n')}\n${line({ event_id: 'a' })}`)).toEqual([
      '1: not valid JSON',
      '2: not an object',
      '3: no event_id',
      '4: a conflict marker of a merge',
      '5: JSON has no NaN and no Infinity',
      '6: JSON is nested deeper than 64 levels',
      '7: the key __proto__ is refused',
    ])
  })

  it('passes over a giant line and one that is not UTF-8', () => {
    const giant = Buffer.from(`{"event_id":"${'x'.repeat(1024 * 1024)}"}\n`)
    const foreign = Buffer.from([0x7b, 0xff, 0x7d, 0x0a])
    const bytes = Buffer.concat([giant, foreign, Buffer.from(line({ event_id: 'a' }))])
    expect(reasonsOf(bytes)).toEqual(['1: longer than 1048576 bytes', '2: not UTF-8'])
  })

  it('shows the first faults and counts all', () => {
    const outcome = checkLog(log('x\n'.repeat(100)))
    expect(outcome).toMatchObject({ lines: 100, faultCount: 100 })
    expect(outcome.state === 'checked' && outcome.faults).toHaveLength(FAULTS_MAX)
  })

  it('tells a line cut short from one that lacks its line end only', () => {
    const whole = line({ event_id: 'a' })
    expect(checkLog(log(`${whole}{"event_id":"b"`))).toMatchObject({
      lines: 1,
      faultCount: 0,
      torn: true,
    })
    expect(checkLog(log(`${whole}{"event_id":"b"}`))).toMatchObject({ lines: 2, torn: false })
  })

  it('lets a record stand twice, in either dialect, but not two with one id', () => {
    const text = '{"a":1,"event_id":"e"}\n{"event_id": "e", "a": 1}\n{"event_id":"e","a":2}\n'
    expect(checkLog(log(text))).toMatchObject({
      repeated: 1,
      faults: [{ line: 3, reason: 'another record with this event_id' }],
    })
  })

  it('folds a decision log: what is asked, answered, orphaned and contradicted', () => {
    const asked = requestedRecord(MISSION, '01KNXQS9ATWWFXS3K5ZJ9E5001')
    const open = requestedRecord(MISSION, '01KNXQS9ATWWFXS3K5ZJ9E5002')
    const first = answeredRecord(MISSION, asked.payload.decision_id, 'Yes')
    const other = answeredRecord(MISSION, asked.payload.decision_id, 'No')
    const stray = answeredRecord(MISSION, '01KNXQS9ATWWFXS3K5ZJ9E5003')
    const text = [asked, open, first, first, other, stray, { event_id: 'x' }].map(line).join('')
    const outcome = checkLog(log(text, 'decisions.events.jsonl'))
    expect(outcome).toMatchObject({ decisions: { asked: 2, answered: 1 }, repeated: 1 })
    expect(outcome.state === 'checked' && outcome.faults).toEqual([
      { line: 5, reason: 'another answer than the one on line 3' },
      { line: 6, reason: 'an answer without its request' },
      { line: 7, reason: 'not a complete decision record' },
    ])
  })

  it('finds moves of a status log that can not be true, but looks for them in no very long one', () => {
    const rows = [
      transition('WP01', 'genesis', 'planned', 1),
      transition('WP01', 'claimed', 'in_progress', 2),
      transition('WP01', 'in_progress', 'done', 3),
    ]
    const text = rows.map(line).join('')
    expect(checkLog(log(text))).toMatchObject({
      faultCount: 0,
      oddMoves: { count: 2, first: { line: 2, kind: 'chain_break', wp_id: 'WP01' } },
    })
    const annotation = { actor: 'x', at: rows[0]?.at, delta: {}, kind: 'annotation', wp_id: 'WP01' }
    const more = Array.from({ length: 20_000 }, (_, n) => line({ ...annotation, event_id: `${n}` }))
    expect(checkLog(log(text + more.join('')))).toMatchObject({ faultCount: 0, oddMoves: null })
    expect(checkLog(log(text, 'other.events.jsonl'))).toMatchObject({ oddMoves: null })
  })

  it('follows no link, waits for no pipe, and reads nothing that is too large (S03)', () => {
    const target = log(line({ event_id: 'a' }))
    const link = join(folder, 'link.events.jsonl')
    const pipe = join(folder, 'pipe.events.jsonl')
    const large = log('')
    symlinkSync(target, link)
    execFileSync('mkfifo', [pipe])
    truncateSync(large, 64 * 1024 * 1024 + 1)
    const reasons = [link, pipe, folder, large, join(folder, 'none')].map((path) => {
      const outcome = checkLog(path)
      return outcome.state === 'unreadable' ? outcome.reason : outcome.state
    })
    expect(reasons).toEqual(['not_a_file', 'not_a_file', 'not_a_file', 'too_large', 'absent'])
  })

  it('gives an answer for any bytes', () => {
    const path = log('')
    assert(
      property(uint8Array({ maxLength: 400 }), (bytes) => {
        writeFileSync(path, bytes)
        const outcome = checkLog(path)
        expect(outcome.state).toBe('checked')
        if (outcome.state === 'checked') expect(outcome.faultCount).toBeLessThanOrEqual(400)
      }),
      { numRuns: 200 },
    )
  })
})

describe('the check of many logs', () => {
  it('answers in the order of the paths, more of them than may wait for a thread', async () => {
    const paths = Array.from({ length: MANY }, (_, n) => join(folder, `many-${n}.jsonl`))
    for (const [n, path] of paths.entries()) writeFileSync(path, line({ event_id: 'a', n }))
    paths.splice(17, 0, join(folder, 'absent.jsonl'))
    const outcomes = await checkLogs(paths)
    expect(outcomes.map(({ path }) => path)).toEqual(paths)
    expect(outcomes.filter(({ state }) => state === 'unreadable')).toHaveLength(1)
  })

  it('answers for no logs without starting a thread', async () => {
    expect(await checkLogs([])).toEqual([])
  })
})
