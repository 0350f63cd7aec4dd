/** `emit --batch`: a line in, a line out, in order; bad lines are refused one by one and the good ones are recorded. */
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rawEnd, rawRun, rawStart } from '../support/raw-run.ts'
import { TestMachine } from '../support/test-machine.ts'
import type { Project } from '../support/test-machine.ts'

type Line = {
  readonly ok: boolean
  readonly line?: number
  readonly event_type?: string
  readonly lamport_clock?: number
  readonly error?: { readonly code: string; readonly hint: string | null }
}

const MIB = 1024 * 1024
const machine = new TestMachine()
let project: Project
beforeAll(async () => {
  project = await machine.project('seabird')
})
afterAll(() => machine.close())

describe('a batch', () => {
  it('takes marks, carriage returns, blank lines and a mission, and refuses bad lines in their place', async () => {
    const { mission_slug, mission_id } = await machine.ok(project.root, [
      'mission',
      'create',
      'harbour',
    ])
    const cases: readonly (readonly [string | Buffer, string])[] = [
      ['\uFEFF{"event_type":"A"}\r', 'A'],
      ['\r', ''],
      ['   ', ''],
      [JSON.stringify({ event_type: 'B', mission: mission_slug }), 'B'],
      ['{"event_type":"A"', 'JSON_SYNTAX'],
      ['[1,2]', 'JSON_NOT_OBJECT'],
      ['null', 'JSON_NOT_OBJECT'],
      [Buffer.from([0x80, 0xff, 0, 7]), 'NOT_UTF8'],
      [
        Buffer.concat([
          Buffer.from('{"event_type":"A","payload":{"a":"'),
          Buffer.from([0xff]),
          Buffer.from('"}}'),
        ]),
        'NOT_UTF8',
      ],
      ['{"event_type":"A","payload":{"__proto__":{"x":1}}}', 'JSON_KEY'],
      [`{"event_type":"A","payload":${'['.repeat(200)}${']'.repeat(200)}}`, 'JSON_DEPTH'],
      ['{"event_type":"A","payload":{"a":9007199254740993}}', 'JSON_NUMBER'],
      ['{"event_type":"A","payload":{"a":1,"\\u0061":2}}', 'JSON_KEY'],
      ['{"event_type":"A","paylaod":{}}', 'DRAFT_INVALID'],
      ['{"event_type":"A B"}', 'DRAFT_INVALID'],
      ['{"event_type":7}', 'DRAFT_INVALID'],
      ['{"event_type":"A","mission":"nowhere"}', 'MISSION_NOT_FOUND'],
      ['{"event_type":"DecisionInputRequested"}', 'EVENT_LEDGER_ONLY'],
      [`{"event_type":"A","payload":{"a":"${'x'.repeat(MIB)}"}}`, 'JSON_TOO_LARGE'],
      ['x'.repeat(4 * MIB), 'LINE_TOO_LONG'],
      ['{"event_type":"C"}', 'C'],
    ]
    const path = join(machine.folder, 'batch.jsonl')
    // The last line has no end.
    writeFileSync(
      path,
      Buffer.concat(
        cases.flatMap(([line], at) => [
          ...(at === 0 ? [] : [Buffer.from('\n')]),
          Buffer.from(line),
        ]),
      ),
    )
    const { code, out, err } = await rawRun(place(), ['emit', '--batch', path, '--json'])
    expect({ code, err }).toEqual({ code: 1, err: '' })
    const lines = linesOf(out)
    expect(lines.map((line) => (line.ok ? line.event_type : line.error?.code))).toEqual(
      cases.map(([, answer]) => answer).filter((answer) => answer !== ''),
    )
    const refusedAt = cases.flatMap(([, answer], at) =>
      /^[A-Z_8]{4,}$/.test(answer) ? [at + 1] : [],
    )
    expect(lines.filter(({ ok }) => !ok).map(({ line }) => line)).toEqual(refusedAt)
    expect(lines.filter(({ ok, error }) => !ok && !error?.hint)).toEqual([])
    expect(lines.filter(({ ok }) => ok).map(({ lamport_clock }) => lamport_clock)).toEqual([
      1, 2, 3,
    ])
    const { events } = await machine.ok(project.root, ['queue', 'list'])
    expect(events).toHaveLength(3)
    expect((events as { event: { event_type: string } }[])[1]?.event).toMatchObject({
      event_type: 'B',
      aggregate_id: mission_id,
    })
  })

  it('of more than one page is listed whole', async () => {
    const count = 10_050
    const path = join(machine.folder, 'pages.jsonl')
    const line = (_: unknown, n: number): string => `{"event_type":"Paged","payload":{"n":${n}}}`
    writeFileSync(path, Array.from({ length: count }, line).join('\n'))
    const other = await machine.project('pages')
    expect((await machine.run(other.root, ['emit', '--batch', path])).code).toBe(0)
    const listed = await machine.ok(other.root, ['queue', 'list', '--limit', '20000'])
    const events = listed['events'] as readonly { readonly event: { readonly payload: unknown } }[]
    expect(events).toHaveLength(count)
    expect(events.at(-1)?.event.payload).toEqual({ n: count - 1 })
    expect(listed['more']).toBe(false)
  })

  it('of good lines ends with 0, of none with 0 and nothing', async () => {
    const [good, none] = await Promise.all([
      rawRun(place(), ['emit', '--batch', '-'], '{"event_type":"A"}\n'.repeat(600)),
      rawRun(place(), ['emit', '--batch', '-', '--json'], '\n\r\n'),
    ])
    expect(good.code).toBe(0)
    expect(linesOf(good.out)).toHaveLength(600)
    expect(none).toEqual({ code: 0, out: '', err: '' })
  })

  it('with a line of 100 MB passes it over in bounded memory and goes on (L8)', async () => {
    const path = join(machine.folder, 'giant.jsonl')
    const file = openSync(path, 'w')
    writeSync(file, '{"event_type":"A","payload":{"a":"')
    const part = Buffer.alloc(MIB, 'x')
    for (let count = 0; count < 100; count += 1) writeSync(file, part)
    writeSync(file, '"}}\n{"event_type":"B"}\n')
    closeSync(file)
    // Less than the line: a program that kept it would die of it.
    const env = { ...machine.env, NODE_OPTIONS: '--max-old-space-size=64' }
    const { code, out } = await rawEnd(
      rawStart({ cwd: project.root, env }, ['emit', '--batch', path]),
    )
    expect(code).toBe(1)
    expect(linesOf(out)).toMatchObject([
      { ok: false, line: 1, error: { code: 'LINE_TOO_LONG' } },
      { ok: true, event_type: 'B' },
    ])
  })
})

function linesOf(out: string): Line[] {
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

function place() {
  return { cwd: project.root, env: machine.env }
}
