/** Whatever a program hands in, the answer of everything that it is promised is an answer or a typed error, and no TypeError. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as kittiwake from 'kittiwake'
import type { Runtime, RuntimeOptions } from 'kittiwake'
import { initProject } from '#dist/project/init.js'
import { GitRepository } from './support/git-repository.ts'
import { removeFolder } from './support/remove-folder.ts'

const WREN = 'wren'

/** Says what a message must never quote. */
function thrower(): never {
  throw new Error(WREN)
}

const HOSTILE = {
  null: null,
  undefined: undefined,
  'a number': 42,
  'no number': Number.NaN,
  'a text': 'text',
  true: true,
  'no items': [],
  'a list of null': [null],
  'an unknown option': { [WREN]: 1 },
  'a symbol': Symbol(WREN),
  'a bigint': 10n,
  'a function': () => undefined,
  'a date': new Date(0),
  'a map': new Map(),
  'a getter that throws': Object.defineProperty({}, 'timestamp', {
    enumerable: true,
    get: thrower,
  }),
  'a proxy that throws': new Proxy(
    {},
    { get: thrower, has: thrower, ownKeys: thrower, getPrototypeOf: thrower },
  ),
} as const

type Hostile = keyof typeof HOSTILE
type Row = readonly [call: (value: never) => unknown, taken: readonly Hostile[] | 'all']

const EVENT = {
  event_id: 'e',
  node_id: 'n',
  lamport_clock: 1,
  aggregate_id: 'a',
  payload: { state: 'done' },
}
const TIME = '2026-01-01T00:00:00Z'
const NONE: readonly Hostile[] = []
const LEFT_OUT: readonly Hostile[] = ['undefined']

function clock() {
  return new kittiwake.Clock('node', kittiwake.memoryClockStorage())
}

function errorLog() {
  const log = new kittiwake.ErrorLog()
  log.log({ id: 'x', timestamp: TIME, action_attempted: 'a', error_message: 'm' })
  return log
}

/** Each argument of each export; what is taken is no fault. */
const EXPORTS: Readonly<Record<string, readonly Row[]>> = {
  Causality: [
    [(value) => new kittiwake.Causality(value), ['no items']],
    [(value) => new kittiwake.Causality([EVENT]).relation('e', value), NONE],
  ],
  Clock: [
    [(value) => new kittiwake.Clock(value, kittiwake.memoryClockStorage()), ['a text']],
    [(value) => new kittiwake.Clock('node', value), NONE],
    [(value) => new kittiwake.Clock('node', kittiwake.memoryClockStorage(), value), LEFT_OUT],
    [(value) => clock().witness(value), ['a number']],
    [(value) => clock().receive(value), ['a number']],
    [(value) => clock().receiveAndStamp(value, EVENT), NONE],
    [(value) => clock().receiveAndStamp(EVENT, value), ['an unknown option', 'a date', 'a map']],
  ],
  ErrorLog: [
    [(value) => new kittiwake.ErrorLog(value), LEFT_OUT],
    [(value) => errorLog().log(value), NONE],
    [(value) => errorLog().resolve(value, 'mended'), NONE],
    [(value) => errorLog().resolve('x', value), ['a text']],
    [(value) => errorLog().search(value), LEFT_OUT],
    [(value) => errorLog().search({ text: value }), ['undefined', 'a text']],
  ],
  assertCutover: [[(value) => kittiwake.assertCutover(value), NONE]],
  assertOccurrencePreserved: [
    [(value) => kittiwake.assertOccurrencePreserved(value, TIME), NONE],
    [(value) => kittiwake.assertOccurrencePreserved({ timestamp: TIME }, value), NONE],
    [
      (value) => kittiwake.assertOccurrencePreserved({ timestamp: TIME }, TIME, value),
      ['undefined', 'a text'],
    ],
  ],
  classifyEnvelope: [[(value) => kittiwake.classifyEnvelope(value), 'all']],
  classifyLaneName: [[(value) => kittiwake.classifyLaneName(value), 'all']],
  commit: [
    [(value) => kittiwake.commit(value), NONE],
    [(value) => kittiwake.commit({ ...COMMIT, root: value }), NONE],
    [(value) => kittiwake.commit({ ...COMMIT, worktree: value }), NONE],
    [(value) => kittiwake.commit({ ...COMMIT, ref: value }), NONE],
    [(value) => kittiwake.commit({ ...COMMIT, message: value }), NONE],
    [(value) => kittiwake.commit({ ...COMMIT, paths: value }), NONE],
    [(value) => kittiwake.commit({ ...COMMIT, capability: value }), NONE],
  ],
  compareEvents: [
    [(value) => kittiwake.compareEvents(value, EVENT), NONE],
    [(value) => kittiwake.compareEvents(EVENT, value), NONE],
  ],
  createRuntime: [
    [(value) => opened(value ?? null), NONE],
    [(value) => opened({ ...WORLD, inspect: value }), ['undefined', 'true']],
    [(value) => opened({ ...WORLD, inspect: { port: value === 42 ? -1 : value } }), LEFT_OUT],
    [(value) => opened({ ...WORLD, clock: value }), LEFT_OUT],
    [(value) => opened({ ...WORLD, signal: value }), LEFT_OUT],
    [(value) => opened({ ...WORLD, random: value }), ['undefined', 'a function']],
  ],
  findConcurrent: [[(value) => kittiwake.findConcurrent(value), ['no items']]],
  isConcurrent: [
    [(value) => kittiwake.isConcurrent(value, EVENT), NONE],
    [(value) => kittiwake.isConcurrent(EVENT, value), NONE],
  ],
  isPreCutover: [[(value) => kittiwake.isPreCutover(value), 'all']],
  // What it holds is looked at by the clock.
  memoryClockStorage: [[(value) => kittiwake.memoryClockStorage(value), 'all']],
  mergeCounter: [[(value) => kittiwake.mergeCounter(value), ['no items']]],
  mergeSet: [[(value) => kittiwake.mergeSet(value), ['no items']]],
  mergeState: [
    [(value) => kittiwake.mergeState(value, { done: 1 }), NONE],
    [(value) => kittiwake.mergeState([EVENT], value), NONE],
    [(value) => kittiwake.mergeState([EVENT], { done: 1 }, value), LEFT_OUT],
    [(value) => kittiwake.mergeState([{ ...EVENT, payload: value }], { done: 1 }), NONE],
  ],
  reduceEvents: [
    [(value) => kittiwake.reduceEvents(value, []), NONE],
    // Bad events are anomalies.
    [(value) => kittiwake.reduceEvents('status', value), ['no items', 'a list of null']],
    [(value) => kittiwake.reduceEvents('status', [], value), LEFT_OUT],
    [
      (value) => kittiwake.reduceEvents('collaboration', [], { roster: value }),
      ['undefined', 'a date', 'a map'],
    ],
    [(value) => kittiwake.reduceEvents('status', [], { as_of: value }), LEFT_OUT],
  ],
  sanitizeEvent: [
    [
      (value) => kittiwake.sanitizeEvent(value),
      ['null', 'a number', 'a text', 'true', 'no items', 'a list of null', 'an unknown option'],
    ],
    [(value) => kittiwake.sanitizeEvent({}, value), LEFT_OUT],
    [(value) => kittiwake.sanitizeEvent({}, { identity: value }), LEFT_OUT],
    [(value) => kittiwake.sanitizeEvent({}, { limits: value }), LEFT_OUT],
  ],
  topologicalOrder: [[(value) => kittiwake.topologicalOrder(value), ['no items']]],
  validateEvent: [
    [(value) => kittiwake.validateEvent(value), 'all'],
    [(value) => kittiwake.validateEvent({}, value), 'all'],
    [(value) => kittiwake.validateEvent({}, 'Event', value), ['null', 'undefined']],
  ],
}

async function opened(options: RuntimeOptions): Promise<void> {
  await (await kittiwake.createRuntime(options)).stop()
}

const WORLD = { root: '.', stateDirectory: '.', link: 'manual' as const }
const COMMIT = { root: '.', worktree: '.', ref: 'main', message: 'Try', paths: ['a'] }

/** Each argument of each method of a runtime. */
const METHODS: Readonly<Record<string, readonly ((value: never) => unknown)[]>> = {
  emit: [
    (value) => runtime.emit(value),
    (value) => runtime.emit({ event_type: isText(value) ? (5 as never) : value }),
    (value) => runtime.emit({ event_type: 'NoteTaken', mission: value ?? 5 }),
  ],
  'decisions.request': [
    (value) => runtime.decisions.request(value),
    (value) => runtime.decisions.request({ mission: 'none', question: value }),
  ],
  'decisions.answer': [(value) => runtime.decisions.answer(value)],
  'workPackages.create': [(value) => runtime.workPackages.create(value)],
  'workPackages.move': [(value) => runtime.workPackages.move(value)],
  'glossary.observe': [(value) => runtime.glossary.observe(value)],
  'glossary.request': [(value) => runtime.glossary.request(value)],
  'glossary.resolve': [(value) => runtime.glossary.resolve(value)],
  'glossary.record': [(value) => runtime.glossary.record(value)],
  'focus.declare': [(value) => runtime.focus.declare(value)],
  'sync.optIn': [(value) => runtime.sync.optIn(value ?? null)],
  'sync.now': [
    (value) => runtime.sync.now(value ?? null),
    (value) => runtime.sync.now({ signal: value ?? null }),
    (value) => runtime.sync.now({ timeoutMs: Number.isInteger(value) ? -1 : (value ?? null) }),
  ],
  on: [
    (value) => runtime.on(value, () => undefined),
    (value) => runtime.on('link', isFunction(value) ? (null as never) : value),
  ],
  inspect: [(value) => runtime.inspect(isFunction(value) ? (null as never) : value)],
  follow: [
    (value) => runtime.follow(isFunction(value) ? (null as never) : value),
    (value) => runtime.follow(() => undefined, Number.isInteger(value) ? 0 : (value ?? null)),
    async (value) => send(value, { type: 'x' } as never),
    async (value) => send(runtime.system.supervisor.sessionId as never, value),
  ],
}

/** These take nothing, so that nothing can be wrong. */
const WITHOUT_ARGUMENTS = [
  'adopt',
  'focus.clear',
  'focus.present',
  'heal',
  'status',
  'stop',
  'sync.optOut',
  'sync.start',
  'sync.stop',
]

async function send(sessionId: never, event: never): Promise<void> {
  const following = await runtime.follow(() => undefined)
  try {
    following.send(sessionId, event)
  } finally {
    following.stop()
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

let repository: GitRepository
let state: string
let runtime: Runtime

beforeAll(async () => {
  repository = GitRepository.withCommit(['-b', 'main'])
  await initProject(repository.root)
  state = mkdtempSync(join(tmpdir(), 'kittiwake-surface-'))
  Object.assign(WORLD, { root: repository.root, stateDirectory: state })
  runtime = await kittiwake.createRuntime(WORLD)
  Object.assign(COMMIT, { root: repository.root, worktree: repository.root })
})
afterAll(async () => {
  await runtime.stop()
  repository.remove()
  removeFolder(state)
})

/** The code of a typed error, `taken`, or what else was thrown. */
async function outcomeOf(call: (value: never) => unknown, value: unknown): Promise<string> {
  try {
    await call(value as never)
    return 'taken'
  } catch (error) {
    if (!(error instanceof kittiwake.KittiwakeError)) return `threw ${String(error)}`
    const told = JSON.stringify([error.message, error.hint, error.details])
    const isQuoted = told.replaceAll(`check ${WREN}`, '').includes(WREN)
    if (isQuoted) return `quoted ${told}`
    return /^[A-Z][A-Z_]+$/.test(error.code) && error.code !== 'INTERNAL' ? 'refused' : error.code
  }
}

async function outcomesOf(call: (value: never) => unknown): Promise<Record<string, string>> {
  const outcomes: Record<string, string> = {}
  for (const [name, value] of Object.entries(HOSTILE)) {
    outcomes[name] = await outcomeOf(call, value)
  }
  return outcomes
}

describe('an export', () => {
  it('is in the table, with each of its arguments', () => {
    // Errors are made by us, for `instanceof`.
    const functions = Object.entries(kittiwake)
      .filter(([name, value]) => typeof value === 'function' && !name.endsWith('Error'))
      .map(([name]) => name)
    expect(functions.sort()).toEqual(Object.keys(EXPORTS).sort())
  })

  it.each(Object.entries(EXPORTS))('%s answers or refuses with a code', async (_, rows) => {
    for (const [call, taken] of rows) {
      const expected = Object.keys(HOSTILE).map((name) => {
        return [name, taken === 'all' || taken.includes(name as Hostile) ? 'taken' : 'refused']
      })
      expect(await outcomesOf(call)).toEqual(Object.fromEntries(expected))
    }
  })
})

describe('a method of a runtime', () => {
  it('is in the table, with each of its arguments', () => {
    // The machines are for those who debug them, by XState's own words.
    const parts = Object.entries(runtime).filter(([name]) => name !== 'system')
    const methods = parts.flatMap(([name, part]: [string, unknown]) => {
      if (typeof part === 'function') return [name]
      if (typeof part !== 'object' || part === null) return []
      return Object.keys(part)
        .filter((key) => typeof Reflect.get(part, key) === 'function')
        .map((key) => `${name}.${key}`)
    })
    expect(methods.sort()).toEqual([...Object.keys(METHODS), ...WITHOUT_ARGUMENTS].sort())
  })

  it.each(Object.entries(METHODS))('%s refuses with a code', async (_, calls) => {
    const refused = Object.keys(HOSTILE).map((name) => [name, 'refused'])
    for (const call of calls) expect(await outcomesOf(call)).toEqual(Object.fromEntries(refused))
  })

  it('that watches tells of an observer that throws, and goes on', async () => {
    const told = new Promise<string>((resolve) => {
      runtime.on('error', ({ code }) => resolve(code))
    })
    const following = await runtime.follow(thrower)
    expect(await told).toBe('OBSERVER_THREW')
    following.stop()
    expect((await runtime.emit({ event_type: 'NoteTaken' })).durable).toBe(true)
  })
})
