/** The command `replay`: what streams come to, on files, folders and standard input. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { cliRun } from '../support/cli-run.ts'
import { acceptedOf, idOf, moveOf, pointOf } from '../support/reducer-events.ts'

const PLANNED = moveOf(1, null, 'planned')
const CLAIMED = moveOf(2, 'planned', 'claimed')
const lines = (...events: readonly object[]): string =>
  events.map((event) => `${JSON.stringify(event)}\n`).join('')

function folder(files: Readonly<Record<string, string>> = {}): string {
  const made = mkdtempSync(join(tmpdir(), 'kittiwake-replay-'))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(made, name, '..'), { recursive: true })
    writeFileSync(join(made, name), text)
  }
  return made
}

describe('replay', () => {
  it('reduces each file as a stream of its own: lines, arrays and documents, also in folders', async () => {
    const root = folder({
      'log.jsonl': lines(CLAIMED, PLANNED, CLAIMED),
      'more/array.json': JSON.stringify([PLANNED]),
      'more/one.json': JSON.stringify(PLANNED, null, 2),
      'more/readme.md': 'no event',
    })
    const args = ['replay', 'log.jsonl', 'more', '--reducer', 'status', '--json']
    const { code, document } = await cliRun(root, args)
    expect(code).toBe(0)
    expect(document).toMatchObject({ ok: true, valid: true, reducer: 'status' })
    const lane = (current_lane: string) => ({
      state: 'reduced',
      fault_count: 0,
      result: { aggregates: [{ key: 'nest', state: { wp_states: { WP01: { current_lane } } } }] },
    })
    expect(document['streams']).toMatchObject([
      { events: 3, ...lane('claimed') },
      { events: 1, ...lane('planned') },
      { events: 1, ...lane('planned') },
    ])
  })

  it.each([
    ['lines', lines(PLANNED, CLAIMED)],
    ['an array', JSON.stringify([CLAIMED, PLANNED], null, 2)],
  ])('reads standard input: %s', async (_, input) => {
    const args = ['replay', '-', '--reducer', 'status', '--as-of', idOf(1), '--json']
    const { code, document } = await cliRun(folder(), args, input)
    expect(code).toBe(0)
    expect(document['streams']).toMatchObject([{ path: '-', result: { event_count: 1 } }])
  })

  it('ends with 1 where a stream holds something invalid, and says what', async () => {
    const invalid = { ...acceptedOf(3, 'd'), lamport_clock: -1 }
    const log = `${lines(acceptedOf(1, 'd'))}{"a":1,"a":2}\nhello\n${lines(acceptedOf(1, 'e'), invalid)}`
    const { code, out } = await cliRun(folder(), ['replay', '-', '--reducer', 'sync'], log)
    expect(code).toBe(1)
    expect(out).toMatch(/^-:2: .*twice.*\n-:3: not valid JSON\n-: 3 events\n {2}C1 \{.*\}\n/)
    expect(out).toContain('(event_id_conflict)')
    expect(out).toContain('(malformed_event)')
  })

  it('does not take what people did wrong for an invalid stream', async () => {
    const args = ['replay', '-', '--reducer', 'status']
    const { code, out } = await cliRun(folder(), args, lines(CLAIMED))
    expect(code).toBe(0)
    expect(out).toContain(`  ${idOf(2)}: from_lane mismatch`)
  })

  it('tells of files that can not be read and of what the reducer refuses, and goes on', async () => {
    const root = folder({ 'a.jsonl': lines(PLANNED), 'b.jsonl': lines(CLAIMED) })
    const strict = ['replay', '.', '--reducer', 'status', '--mode', 'strict', '--json']
    const { code, document } = await cliRun(root, strict)
    expect(code).toBe(1)
    expect(document['streams']).toMatchObject([
      { state: 'reduced' },
      { state: 'refused', error: { code: 'ANOMALY', anomaly: 'from_lane_mismatch' } },
    ])
    const later = ['replay', 'a.jsonl', 'b.jsonl', '--reducer', 'status', '--as-of', idOf(2)]
    const text = await cliRun(root, later)
    expect(text.code).toBe(1)
    expect(text.out).toMatch(/a\.jsonl: .*\(AS_OF_UNKNOWN\)\n.*b\.jsonl: 1 event$/m)
  })

  it('gives the projection of the reference, if asked', async () => {
    const args = ['replay', '-', '--reducer', 'decisionpoint', '--reference', '--json']
    const { code, document } = await cliRun(folder(), args, lines(pointOf(1, 'Opened')))
    expect(code).toBe(0)
    expect(document['streams']).toMatchObject([
      { result: { state: 'open', origin_surface: 'adr', anomalies: [], event_count: 1 } },
    ])
    const plain = await cliRun(folder(), args.slice(0, -1), lines(pointOf(1, 'Opened')))
    expect(plain.out).toMatch(/^-: 1 event\n {3}\{.*"state":"open"/)
  })

  it.each([
    ['REDUCER_UNKNOWN', ['replay', '-', '--reducer', 'statsu'], 'Did you mean status?'],
    ['REDUCER_UNKNOWN', ['replay', '-', '--reducer', 'x'], 'They are status, lifecycle'],
    ['MODE_INVALID', ['replay', '-', '--reducer', 'status', '--mode', 'loud'], ''],
    ['INPUT_UNREADABLE', ['replay', 'gone.jsonl', '--reducer', 'status'], ''],
  ])('refuses words with %s', async (code, args, hint) => {
    const ran = await cliRun(folder(), [...args, '--json'])
    expect(ran.code).toBe(2)
    expect(ran.document).toMatchObject({ ok: false, error: { code } })
    expect(JSON.stringify(ran.document)).toContain(hint)
  })

  it('shows as much of a long stream as can be read', async () => {
    const events = Array.from({ length: 60 }, (_, at) =>
      moveOf(at + 1, 'done', 'planned', { mission_slug: `m${at}` }),
    )
    const many = await cliRun(folder(), ['replay', '-', '--reducer', 'status'], lines(...events))
    expect(many.out.match(/^ {2}10 more$/gm)).toHaveLength(2)
  })
})
