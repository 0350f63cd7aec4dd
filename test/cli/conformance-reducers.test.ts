/** What `conformance run` does with streams, outputs and scenarios of reducers. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { encodeJson } from '#dist/contracts/json/json.js'
import { reduceEvents } from '#dist/index.js'
import { cliRun } from '../support/cli-run.ts'
import { CONFORMANCE, HAS_CONFORMANCE } from '../support/conformance.ts'
import { acceptedOf, joinOf, personOf } from '../support/reducer-events.ts'

const EVENTS = [acceptedOf(1, 'd2'), acceptedOf(2, 'd1'), acceptedOf(3, 'd1')]
const SYNC = reduceEvents('sync', EVENTS, { reference: true })
const stream = EVENTS.map((event) => JSON.stringify(event)).join('\n')

function folder(files: Readonly<Record<string, unknown>>): string {
  const made = mkdtempSync(join(tmpdir(), 'kittiwake-conformance-'))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(made, name, '..'), { recursive: true })
    writeFileSync(join(made, name), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return made
}

async function detailsOf(root: string): Promise<Readonly<Record<string, string | null>>> {
  const { document } = await cliRun(root, ['conformance', 'run', '.', '--json'])
  const entries = document['entries'] as readonly { id: string; detail: string | null }[]
  return Object.fromEntries(
    entries.map(({ id, detail }) => [id, detail?.replace(/^found: /, '') ?? null]),
  )
}

const output = (id: string, path: string, event_type = 'ReducedSyncState') => ({
  id,
  path,
  event_type,
  fixture_type: 'reducer_output',
})

describe('conformance run', () => {
  it('runs what the package has itself, where no folder is named', async () => {
    const { code, document } = await cliRun(tmpdir(), ['conformance', 'run', '--json'])
    expect(code).toBe(0)
    const kinds = document['kinds'] as readonly { kind: string; passed: number }[]
    expect(kinds.map(({ kind, passed }) => [kind, passed > 10])).toEqual([
      ['reduction', true],
      ['replay_stream', true],
    ])
    expect(document).toMatchObject({ passed: true, failed: [] })
  })

  it('holds a state to the stream beside it, in the folder that a manifest names', async () => {
    const state = encodeJson(reduceEvents('sync', EVENTS))
    const entry = (id: string, path: string, event_type = 'sync') => {
      return { id, path, event_type, fixture_type: 'reduction' }
    }
    const root = folder({
      'manifest.json': {
        folder: 'own',
        fixtures: [
          entry('same', 'a.golden.json'),
          entry('other', 'b.golden.json'),
          entry('alone', 'c.golden.json'),
          entry('unknown', 'a.golden.json', 'nothing'),
          entry('outside', '../../a.golden.json'),
        ],
      },
      'own/a.jsonl': stream,
      'own/a.golden.json': `${state}\n`,
      'own/b.jsonl': stream.split('\n').slice(1).join('\n'),
      'own/b.golden.json': state,
      'own/c.golden.json': state,
    })
    expect(await detailsOf(root)).toEqual({
      same: null,
      other: 'another state',
      alone: 'the state, or its stream, can not be read',
      unknown: 'no reducer of this name',
      outside: 'the path leads out of the folder',
    })
  })

  it('holds outputs to the stream beside them, but for words and the order of sets', async () => {
    const { seen_delivery_pairs: pairs, anomalies } = SYNC
    const said = (anomalies as readonly object[]).map((anomaly) => ({ ...anomaly, message: 'x' }))
    const turned = {
      ...SYNC,
      anomalies: said,
      seen_delivery_pairs: (pairs as object[]).toReversed(),
    }
    const root = folder({
      'manifest.json': {
        fixtures: [
          output('same', 'a/log_output.json'),
          output('other', 'b/log_output.json'),
          output('unknown', 'a/log_output.json', 'SomeState'),
          output('alone', 'c/log_output.json'),
        ],
      },
      'fixtures/a/log.jsonl': stream,
      'fixtures/a/other.jsonl': '',
      'fixtures/a/log_output.json': turned,
      'fixtures/b/log.jsonl': stream,
      'fixtures/b/log_output.json': { ...SYNC, event_count: 2 },
      'fixtures/c/log_output.json': SYNC,
    })
    expect(await detailsOf(root)).toEqual({
      same: null,
      other: 'event_count is another',
      unknown: 'no reducer has this state',
      alone: 'the output, or its stream, can not be read',
    })
  })

  it('finds the stream of an output among several', async () => {
    const root = folder({
      'manifest.json': {
        fixtures: [
          output('longer', 'log_more_output.json'),
          { ...output('noted', 'state.json'), notes: 'the output of log_more.jsonl' },
          output('unsaid', 'state.json'),
        ],
      },
      'fixtures/log.jsonl': '',
      'fixtures/log_more.jsonl': stream,
      'fixtures/log_more_output.json': SYNC,
      'fixtures/state.json': SYNC,
    })
    expect(await detailsOf(root)).toEqual({
      longer: null,
      noted: null,
      unsaid: 'the output, or its stream, can not be read',
    })
  })

  it('takes a state whose sets are in another order, within objects too', async () => {
    const target = { target_type: 'wp', target_id: 'WP01' }
    const focus = (at: number, id: string) => ({
      ...personOf(at, 'FocusChanged', id),
      payload: { participant_id: id, mission_id: 'm', focus_target: target },
    })
    const events = [joinOf(1, 'p1'), joinOf(2, 'p2'), focus(3, 'p1'), focus(4, 'p2')]
    const state = reduceEvents('collaboration', events, { reference: true })
    const turned = { ...state, participants_by_focus: { 'wp:WP01': ['p2', 'p1'] } }
    const scenario = { reducer: 'collaboration', events, expected: turned }
    const root = folder({
      'manifest.json': { fixtures: [] },
      'derived/reducer_focus.json': scenario,
      'derived/reducer_other.json': {
        ...scenario,
        expected: { ...turned, participants_by_focus: { 'wp:WP01': ['p1'] } },
      },
    })
    expect(await detailsOf(root)).toEqual({
      reducer_focus: null,
      reducer_other: 'participants_by_focus is another',
    })
  })

  it('runs scenarios, to their states and to the errors that they throw', async () => {
    const heard = [joinOf(1, 'p1'), personOf(2, 'PresenceHeartbeat', 'p2')]
    const strict = { reducer: 'collaboration', events: heard, options: { mode: 'strict' } }
    const root = folder({
      'manifest.json': { fixtures: [] },
      'derived/reducer_a.json': { reducer: 'sync', events: EVENTS, expected: SYNC },
      'derived/reducer_b.json': { ...strict, expected_error: 'UnknownParticipantError' },
      'derived/reducer_c.json': { ...strict, expected_error: 'ValidationError' },
      'derived/reducer_d.json': { ...strict, expected: {} },
      'derived/reducer_e.json': { reducer: 'none', events: [] },
      'derived/reducer_f.json': 'no JSON',
      'derived/other.json': {},
    })
    expect(await detailsOf(root)).toEqual({
      reducer_a: null,
      reducer_b: null,
      reducer_c: 'ends with UnknownParticipantError',
      reducer_d: 'ends with UnknownParticipantError',
      reducer_e: 'no reducer, or no events',
      reducer_f: 'the scenario can not be read',
    })
  })

  it.skipIf(!HAS_CONFORMANCE)('finds the sample as it says', async () => {
    const { code, document } = await cliRun(CONFORMANCE, ['conformance', 'run', '.', '--json'])
    const kinds = document['kinds'] as readonly { kind: string; failed: number; passed: number }[]
    const of = (name: string) => kinds.find(({ kind }) => kind === name)
    expect(of('scenario')).toMatchObject({ failed: 0 })
    expect(of('scenario')?.passed).toBeGreaterThanOrEqual(19)
    expect(of('reducer_output')).toMatchObject({ failed: 0 })
    expect(code).toBe(0)
  })
})
