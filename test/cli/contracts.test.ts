import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
  readdirSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { contractEvent } from '../support/contract-event.ts'
import { CONFORMANCE, HAS_CONFORMANCE } from '../support/conformance.ts'
import { cliRun } from '../support/cli-run.ts'

function folder(files: Readonly<Record<string, string | Buffer>> = {}): string {
  const made = mkdtempSync(join(tmpdir(), 'kittiwake-contracts-'))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(made, name, '..'), { recursive: true })
    writeFileSync(join(made, name), text)
  }
  return made
}

const GOOD = JSON.stringify(contractEvent())
const BAD = JSON.stringify(contractEvent({ lamport_clock: -1 }))

describe('validate', () => {
  it('reads documents, arrays, lines and folders, and tells where what is wrong', async () => {
    const root = folder({
      'one.json': GOOD,
      'many.json': `[${GOOD},${BAD}]`,
      'log/a.jsonl': `${GOOD}\n\n${BAD}\n${GOOD}`,
      'log/deep/b.ndjson': '{"a":1,"a":2}\n',
      'log/readme.md': 'no event',
      'log/node_modules/c.json': BAD,
    })
    const { code, document } = await cliRun(root, ['validate', '.', '--json'])
    expect(code).toBe(1)
    expect(document).toMatchObject({ ok: true, valid: false, files: 4, events: 7, invalid: 3 })
    const results = document['results'] as readonly { path: string; findings: object[] }[]
    const found = results.map(({ path, findings }) => [path.slice(root.length + 1), findings])
    expect(Object.fromEntries(found)).toMatchObject({
      'many.json': [{ line: 2, violations: [{ path: ['lamport_clock'] }] }],
      'log/a.jsonl': [{ line: 3, event_type: 'HistoryAdded' }],
      'log/deep/b.ndjson': [{ line: 1, event_type: null }],
    })
  })

  it('says that all is well, and where something was put right', async () => {
    const event = { ...contractEvent(), event_id: '01kb2c3d4e5f6g7h8j9k0m1n2p' }
    const root = folder({ 'log.jsonl': `${GOOD}\n${JSON.stringify(event)}\n` })
    const { code, document } = await cliRun(root, ['validate', 'log.jsonl', '--strict', '--json'])
    expect([code, document['normalised'], document['results']]).toEqual([0, 1, []])
    const plain = await cliRun(root, ['validate', 'log.jsonl'])
    expect(plain.out).toBe('2 events in 1 file, 0 invalid\n')
  })

  it.each([
    ['lines', `${GOOD}\n${BAD}\n`, 2, 1],
    ['a document over several lines', JSON.stringify(contractEvent(), null, 2), 1, 0],
    ['an array over several lines', `[\n${GOOD},\n${BAD}\n]`, 2, 1],
    ['an array on one line', `[${GOOD},${BAD}]\n`, 2, 1],
    ['nothing', '', 0, 0],
    ['no JSON', 'hello\n', 1, 1],
  ])('reads standard input: %s', async (_, input, events, invalid) => {
    const { code, document } = await cliRun(folder(), ['validate', '-', '--json'], input)
    expect([document['events'], document['invalid'], code]).toEqual([events, invalid, invalid])
  })

  it('judges standard input as it judges a file', async () => {
    const wide = JSON.stringify({ ...contractEvent(), note: '€'.repeat(1_200_000) })
    const lines = Buffer.concat([
      Buffer.from(`${wide}\n${'x'.repeat(7 * 1024 * 1024)}\n`),
      Buffer.from([0xff, 0x0a]),
    ])
    const root = folder({ 'a.jsonl': lines })
    const [file, input] = [
      await cliRun(root, ['validate', 'a.jsonl', '--json']),
      await cliRun(root, ['validate', '-', '--json'], lines),
    ].map(({ document }) => {
      const [result] = document['results'] as readonly { findings: object[] }[]
      return [document['events'], document['invalid'], result?.findings]
    })
    expect(file?.slice(0, 2)).toEqual([3, 2])
    expect(input).toEqual(file)
  })

  it('says of the log of a mission that its rows are no events, as `replay` does', async () => {
    const root = folder({ 'status.events.jsonl': '{"wp_id":"WP01"}\n' })
    const advice = /holds rows, not events\. `kittiwake status verify`/
    expect((await cliRun(root, ['validate', '.'])).out).toMatch(advice)
    expect((await cliRun(root, ['replay', '.', '--reducer', 'status'])).out).toMatch(advice)
  })

  it('judges payloads of a type, and knows only those that there are', async () => {
    const root = folder({ 'p.json': '{"mission_slug":"m","mission_number":1,"mission_type":"t"}' })
    const words = ['validate', 'p.json', '--type']
    expect((await cliRun(root, [...words, 'MissionClosed', '--strict'])).code).toBe(0)
    const wrong = await cliRun(root, [...words, 'MissionClosd', '--json'])
    expect(wrong.code).toBe(2)
    expect(wrong.document).toMatchObject({
      error: { code: 'EVENT_TYPE_UNKNOWN', hint: 'Did you mean MissionClosed?' },
    })
  })

  it('tells of what it can not read, and goes on', async () => {
    const root = folder({ 'good.json': GOOD, 'bytes.jsonl': Buffer.from([0xff, 0x0a]) })
    const { code, out } = await cliRun(root, ['validate', 'good.json', 'bytes.jsonl'])
    expect(code).toBe(1)
    expect(out).toContain('bytes.jsonl:1: not UTF-8')
    const absent = await cliRun(root, ['validate', 'nowhere.json', '--json'])
    expect(absent.document).toMatchObject({
      error: { code: 'INPUT_UNREADABLE', message: expect.stringContaining('nowhere.json') },
    })
  })

  it('keeps no giant, no depth and no flood of faults in memory (S06)', async () => {
    const giant = `{"a":"${'x'.repeat(100 * 1024 * 1024)}"}`
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const hostile = ['{"__proto__":{"x":1}}', '{"a":"\\ud800"}', '{"a":NaN}', '{"a":1e999}']
    const flood = Array.from({ length: 300 }, () => '{}')
    const root = folder({ 'a.jsonl': [giant, `{"a":${deep}}`, ...hostile, ...flood].join('\n') })
    const { code, document } = await cliRun(root, ['validate', 'a.jsonl', '--json'])
    expect(code).toBe(1)
    expect(document).toMatchObject({ events: 306, invalid: 306 })
    const [result] = document['results'] as readonly {
      findings: { violations: { code: string }[] }[]
    }[]
    expect(result?.findings).toHaveLength(100)
    const codes = result?.findings.slice(0, 6).map(({ violations }) => violations[0]?.code)
    expect(codes).toEqual([
      'too_large',
      'too_deep',
      'unsafe_key',
      'lone_surrogate',
      'not_finite',
      'not_finite',
    ])
  })

  it('says nothing of what it could not judge to its end', async () => {
    const root = folder({ 'a.jsonl': GOOD, 'b.jsonl': GOOD })
    for (const words of [
      ['validate', '.'],
      ['validate', '-'],
      ['migrate-events', 'a.jsonl'],
    ]) {
      const { document } = await cliRun(root, [...words, '--json'], GOOD, AbortSignal.abort())
      expect(document).toMatchObject({ ok: false, error: { code: 'INTERRUPTED' } })
    }
  })

  it('judges many files on the pool, in their order', async () => {
    const files = Array.from({ length: 300 }, (_, at) => [
      `f${String(at).padStart(3, '0')}.json`,
      at % 3 === 0 ? BAD : GOOD,
    ])
    const { document } = await cliRun(folder(Object.fromEntries(files)), [
      'validate',
      '.',
      '--json',
    ])
    expect(document).toMatchObject({ files: 300, events: 300, invalid: 100, hidden: 0 })
    const paths = (document['results'] as { path: string }[]).map(({ path }) => path)
    expect(paths).toEqual([...paths].sort())
  })
})

describe('events types', () => {
  it('lists them, and says what one is', async () => {
    const all = await cliRun(folder(), ['events', 'types', '--json'])
    expect(all.document['types']).toHaveLength(98)
    expect((await cliRun(folder(), ['events', 'types'])).out.split('\n')).toHaveLength(100)
    const one = await cliRun(folder(), ['events', 'types', 'DecisionPointResolved'])
    expect(one.out).toContain('terminal_outcome')
    expect(one.out).toContain('"adr"')
    expect(one.out).toContain('no other keys')
    const open = await cliRun(folder(), ['events', 'types', 'ConcurrentDriverWarning', '--json'])
    expect(open.document).toMatchObject({ family: 'collaboration', reducer: 'collaboration' })
  })
})

describe('schema', () => {
  it('shows one by its event type or its own name', async () => {
    const root = folder()
    expect((await cliRun(root, ['schema'])).out).toContain('status_transition_payload\n')
    const moved = await cliRun(root, ['schema', 'WPStatusChanged', '--json'])
    expect(moved.document).toMatchObject({ name: 'status_transition_payload' })
    expect(JSON.parse((await cliRun(root, ['schema', 'Event'])).out)).toMatchObject({
      type: 'object',
    })
    const wrong = await cliRun(root, ['schema', 'wp_create_payload', '--json'])
    expect(wrong.document).toMatchObject({ error: { hint: 'Did you mean wp_created_payload?' } })
    expect((await cliRun(root, ['schema', 'Event', '--check'])).code).toBe(2)
  })

  it('of the package is up to date, and breaks nothing of the last release', async () => {
    const { code, document } = await cliRun(folder(), ['schema', '--check', '--json'])
    expect(document).toMatchObject({ up_to_date: true, drift: [] })
    expect(code).toBe(0)
  })

  it('is written as files, and what differs is told', async () => {
    const root = folder()
    await cliRun(root, ['schema', '--out', 'made', '--release'])
    const check = ['schema', '--check', '--out', 'made', '--json']
    expect((await cliRun(root, check)).document).toMatchObject({ up_to_date: true, changes: [] })
    rmSync(join(root, 'made/lane.schema.json'))
    writeFileSync(join(root, 'made/event.schema.json'), '{}')
    writeFileSync(join(root, 'made/more.schema.json'), '{}')
    const release = join(root, 'made/last-release.json')
    const text = readFileSync(release, 'utf8').replace('"const":"adr"', '"const":"old"')
    writeFileSync(release, text)
    const stale = await cliRun(root, check)
    expect(stale.code).toBe(1)
    expect(stale.document['drift']).toEqual([
      { file: 'event.schema.json', kind: 'changed' },
      { file: 'lane.schema.json', kind: 'missing' },
      { file: 'more.schema.json', kind: 'orphan' },
    ])
    expect(stale.document['changes']).toMatchObject([{ kind: 'narrowed' }, { kind: 'widened' }])
    const plain = await cliRun(root, check.slice(0, 4))
    expect(plain.out).toContain('missing  lane.schema.json')
    writeFileSync(release, '[]')
    expect((await cliRun(root, check)).document).toMatchObject({
      error: { code: 'RELEASE_UNREADABLE' },
    })
    rmSync(release)
    expect((await cliRun(root, check.slice(0, 4))).out).toContain('No release is remembered')
    writeFileSync(join(root, 'file'), '')
    expect((await cliRun(root, ['schema', '--out', 'file/x', '--json'])).document).toMatchObject({
      error: { code: 'SCHEMAS_UNWRITABLE' },
    })
  })
})

describe('conformance run', () => {
  it.skipIf(!HAS_CONFORMANCE)('finds the conformance data as its manifest says', async () => {
    const { code, document } = await cliRun(folder(), ['conformance', 'run', CONFORMANCE, '--json'])
    expect(document).toMatchObject({ passed: true, failed: [] })
    expect(code).toBe(0)
  })

  it('tells what is not as the manifest says', async () => {
    const of = (id: string, more: object) => ({
      id,
      path: `${id}.json`,
      event_type: 'Event',
      ...more,
    })
    const legacy = { fixture_type: 'legacy_normalization' }
    const occurred = { fixture_type: 'timestamp_semantics' }
    const manifest = {
      fixtures: [
        of('good', { expected_result: 'valid' }),
        of('bad', { expected_result: 'valid' }),
        of('absent', { expected_result: 'valid' }),
        of('good', { path: '../../manifest.json', expected_result: 'valid' }),
        of('text', { expected_result: 'invalid' }),
        of('lanes', { event_type: 'LaneMapping', expected_result: 'valid' }),
        of('lanes', { event_type: 'LaneMapping', expected_result: 'invalid' }),
        of('short', { event_type: 'LaneMapping', expected_result: 'valid' }),
        of('old', { ...legacy, expected_result: 'valid' }),
        of('time', { ...occurred, expected_result: 'valid' }),
        of('time', { ...occurred, expected_result: 'invalid' }),
        of('stream', { path: 'stream.jsonl', fixture_type: 'replay_stream' }),
        of('golden', { path: 'good.json', fixture_type: 'reducer_output' }),
        of('class', { path: 'good.json', event_type: '<x>' }),
      ],
      classes: {
        entries: [
          of('class', { path: 'good.json', class: 'envelope_invalid_shape', expected: 'invalid' }),
          of('row', {
            class: 'historical_row_raw',
            expected: 'invalid',
            expected_error_code: 'RAW_HISTORICAL_ROW',
          }),
          of('other row', {
            path: 'old.json',
            class: 'historical_row_raw',
            expected: 'invalid',
            expected_error_code: 'RAW_HISTORICAL_ROW',
          }),
        ],
      },
    }
    const root = folder({
      'manifest.json': JSON.stringify(manifest),
      'fixtures/good.json': GOOD,
      'fixtures/bad.json': BAD,
      'fixtures/text.json': 'no JSON',
      'fixtures/lanes.json':
        '[{"canonical":"genesis"},{"canonical":"approved","expected_sync":"done"},{"canonical":"approved","expected_sync":"approved"}]',
      'fixtures/short.json': '[{"canonical":"approved","expected_sync":"planned"}]',
      'fixtures/old.json': '{"expected":"normalized","input":{"a":1}}',
      'fixtures/time.json':
        '{"envelope":{"timestamp":"2026-01-01"},"consumer_simulation":{"persisted_occurrence_time":"2026-01-02"}}',
      'fixtures/stream.jsonl': `${GOOD}\n\n[]\n`,
      'fixtures/row.json': '{"input":{"type":"x","ts":"y"}}',
    })
    const { code, document } = await cliRun(root, ['conformance', 'run', '.', '--json'])
    expect(code).toBe(1)
    const states = (document['entries'] as { id: string; state: string }[]).map(
      ({ id, state }) => `${id} ${state}`,
    )
    expect(states).toEqual([
      'good passed',
      'bad failed',
      'absent failed',
      'good failed',
      'text failed',
      'lanes passed',
      'lanes failed',
      'short failed',
      'old failed',
      'time failed',
      'time passed',
      'stream failed',
      'golden failed',
      'class skipped',
      'class failed',
      'row passed',
      'other row passed',
    ])
    expect((await cliRun(root, ['conformance', 'run', '.'])).out).toContain('lamport_clock')
    const nowhere = await cliRun(root, ['conformance', 'run', 'fixtures', '--json'])
    expect(nowhere.document).toMatchObject({ error: { code: 'MANIFEST_UNREADABLE' } })
  })
})

describe('migrate-events', () => {
  const OLD = JSON.stringify({ ...contractEvent(), schema_version: '2.0.0' })

  it('writes a new file of what is good, and names the rest', async () => {
    const lines = [GOOD, OLD, BAD, '{"a":1}', '{', '{"n":9007199254740993}', '']
    const root = folder({ 'old.jsonl': lines.join('\n') })
    const words = ['migrate-events', 'old.jsonl', '--out', 'new.jsonl', '--json']
    const { code, document } = await cliRun(root, words)
    expect(code).toBe(1)
    expect(document).toMatchObject({ rewritten: 1, kept: 1, left_out: 4 })
    const left = document['left'] as readonly { line: number }[]
    expect(left.map(({ line }) => line)).toEqual([3, 4, 5, 6])
    const written = readFileSync(join(root, 'new.jsonl'), 'utf8').trimEnd().split('\n')
    expect(written).toEqual([GOOD, GOOD])
    const check = await cliRun(root, ['validate', 'new.jsonl', '--strict'])
    expect(check.code).toBe(0)
  })

  it('overwrites nothing, and looks without --out', async () => {
    const root = folder({ 'old.jsonl': OLD })
    const looked = await cliRun(root, ['migrate-events', 'old.jsonl'])
    expect([looked.code, looked.out]).toEqual([
      0,
      '1 rewritten, 0 kept, 0 left out; nothing was written\n',
    ])
    const same = await cliRun(root, ['migrate-events', 'old.jsonl', '--out', 'old.jsonl', '--json'])
    expect(same.document).toMatchObject({ error: { code: 'OUTPUT_EXISTS' } })
    expect(readFileSync(join(root, 'old.jsonl'), 'utf8')).toBe(OLD)
    const lost = await cliRun(root, ['migrate-events', 'old.jsonl', '--out', 'no/where', '--json'])
    expect(lost.document).toMatchObject({ error: { code: 'OUTPUT_UNWRITABLE' } })
    expect(existsSync(join(root, 'no'))).toBe(false)
  })

  it('leaves no half where it can not go on', async () => {
    const root = folder({ 'old.jsonl': OLD })
    const { code } = await cliRun(root, ['migrate-events', 'old.jsonl', 'absent', '--out', 'new'])
    expect(code).not.toBe(0)
    expect(readdirSync(root)).toEqual(['old.jsonl'])
  })
})
