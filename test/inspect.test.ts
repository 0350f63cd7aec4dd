/** What an inspector, a snapshot, a listener or an error shows holds no personal data: everything is looked through. */
import { randomBytes } from 'node:crypto'
import { homedir, hostname, userInfo } from 'node:os'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Runtime, RuntimeEventMap } from 'kittiwake'
import { startHub } from './hub/support.ts'
import { RuntimeWorld } from './support/runtime-world.ts'

const CANARY = {
  user: 'wrencove4471',
  name: 'Quill Sandpiper',
  email: 'quill.sandpiper@mail.example',
  token: `kwk_${randomBytes(24).toString('hex')}`,
  secret: `ghp_${randomBytes(18).toString('hex')}`,
}
const VARIABLES = { LOGNAME: CANARY.user, USER: CANARY.user, GIT_AUTHOR_NAME: CANARY.name }
const before: Record<string, string | undefined> = {}

beforeAll(() => {
  for (const [name, value] of Object.entries(VARIABLES)) {
    before[name] = process.env[name]
    process.env[name] = value
  }
})
afterAll(() => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
})

/** Node's own timers know the whole process, and nobody can look into a function. */
const OPAQUE = new Set(['Timeout', 'Immediate', 'AbortSignal'])

/** Every string that can be reached: keys and values, symbols' too, in maps and sets, whatever refers to whatever. */
function stringsIn(roots: readonly unknown[]): Set<string> {
  const strings = new Set<string>()
  const seen = new Set<object>()
  const stack: unknown[] = [...roots]
  while (stack.length > 0) {
    const value = stack.pop()
    if (typeof value === 'string') strings.add(value)
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    if (OPAQUE.has(value.constructor?.name)) continue
    if (value instanceof Map) stack.push(...value.keys(), ...value.values())
    if (value instanceof Set || value instanceof Map) stack.push(...value)
    for (const key of Reflect.ownKeys(value)) {
      stack.push(typeof key === 'symbol' ? key.description : key)
      const descriptor = Reflect.getOwnPropertyDescriptor(value, key)
      stack.push(descriptor?.get === undefined ? descriptor?.value : descriptor.get.call(value))
    }
  }
  return strings
}

/** Collects all that the runtime shows, and how every call ended. */
function watch(runtime: Runtime): {
  readonly shown: unknown[]
  readonly tell: (call: Promise<unknown>) => Promise<void>
} {
  const shown: unknown[] = [runtime.system.supervisor, runtime.system.workers]
  runtime.inspect((event) => {
    shown.push(event)
    // Contexts change later; what it was now is looked at now.
    if (event.type === '@xstate.snapshot') shown.push(...stringsIn([event.snapshot]))
  })
  const names: (keyof RuntimeEventMap)[] = [
    'emitted',
    'committed',
    'deferred',
    'link',
    'warning',
    'workerRestarted',
    'workerFailed',
    'error',
  ]
  for (const name of names) runtime.on(name, (event) => shown.push(event))
  return {
    shown,
    tell: async (call) => {
      await call.then(
        (value) => shown.push(value),
        (error: Error) => shown.push(error.message, JSON.stringify(error)),
      )
    },
  }
}

/** What must not be found anywhere; machines whose names are common words say too little to look for. */
function forbiddenIn(world: RuntimeWorld): string[] {
  const machine = [hostname(), userInfo().username, homedir()].filter((text) => text.length > 5)
  return [...Object.values(CANARY), world.root, world.home, world.state, ...machine]
}

function leaks(strings: Set<string>, forbidden: readonly string[]): string[] {
  const found = new Set<string>()
  for (const text of strings) {
    for (const word of forbidden) {
      if (text.toLowerCase().includes(word.toLowerCase()))
        found.add(`${word} in ${text.slice(0, 200)}`)
    }
  }
  return [...found]
}

const DIRTY = `${CANARY.name} <${CANARY.email}> on ${hostname()} said ${CANARY.secret}`

describe('nothing personal is shown (L4)', () => {
  it('while events, decisions and links come and go', async () => {
    const world = new RuntimeWorld()
    await world.init()
    const mission = await world.createMission('harbour')
    world.repository.git('checkout', '-q', '-b', `fix/${CANARY.user}`)
    const hub = await startHub()
    const runtime = await world.open({ link: 'auto' })
    const { shown, tell } = watch(runtime)
    await tell(
      runtime.emit({
        event_type: 'NoteTaken',
        aggregate_id: 'WP01',
        mission,
        payload: { note: DIRTY, [`${world.root}/key`]: [world.root, { who: CANARY.user }] },
      }),
    )
    await tell(runtime.emit({ event_type: CANARY.email, payload: { note: DIRTY } }))
    await tell(runtime.emit({ event_type: 'NoteTaken', mission: `${world.root}/nowhere` }))
    const asked = runtime.decisions.request({ mission, question: DIRTY, options: [world.root] })
    await tell(asked)
    const { decision_id } = await asked
    await tell(runtime.decisions.answer({ mission, decision_id, answer: DIRTY }))
    await tell(runtime.decisions.answer({ mission, decision_id, answer: 'another' }))
    await tell(runtime.decisions.answer({ mission, decision_id: CANARY.email, answer: DIRTY }))
    await tell(runtime.sync.optIn())
    await tell(runtime.sync.start())
    world.login({ ...hub, token: CANARY.token })
    await tell(runtime.sync.now())
    world.login(hub)
    await tell(runtime.sync.now())
    await tell(runtime.sync.start())
    runtime.system.workers.store.send({ type: 'thread.crashed', code: 'TEST', message: 'test' })
    await tell(runtime.emit({ event_type: 'NoteTaken', payload: { note: DIRTY } }))
    await runtime.stop()

    const strings = stringsIn(shown)
    // The search sees the messages themselves, and how each way ended.
    for (const text of [
      mission,
      'store.append',
      'git.answer',
      'socket.deliver',
      'DECISION_UNKNOWN',
    ]) {
      expect([...strings].filter((one) => one.includes(text))).not.toEqual([])
    }
    expect([...strings].some((text) => text.includes('"event_type":"NoteTaken"'))).toBe(true)
    expect(leaks(strings, [...forbiddenIn(world), hub.token])).toEqual([])
    // Envelopes name their team; nothing else does, and no hub is named at all.
    expect(leaks(strings, [new URL(hub.hub.url).host])).toEqual([])
    expect([...strings]).not.toContain('acme')
  })

  it('where the state directory, the ledger and the repository are in the way', async () => {
    const world = new RuntimeWorld()
    await world.init()
    const mission = await world.createMission('harbour')
    const broken = join(world.home, 'no-folder')
    writeFileSync(broken, 'a file where a folder should be')
    const runtime = await world.open({ stateDirectory: broken })
    const { shown, tell } = watch(runtime)
    await tell(runtime.emit({ event_type: 'NoteTaken' }))
    await tell(runtime.sync.optIn())
    const worktree = join(world.root, '.worktrees', `${mission}-coord`)
    const log = join('kitty-specs', mission, 'decisions.events.jsonl')
    world.repository.write(log, 'no JSON\n', worktree)
    await tell(runtime.decisions.request({ mission, question: 'Q' }))
    world.repository.write('.kittify/sync-state.json', '{', world.root)
    await tell(runtime.heal())
    world.repository.git('worktree', 'remove', '--force', worktree)
    writeFileSync(worktree, 'a file where a worktree should be')
    await tell(runtime.decisions.request({ mission, question: 'Q' }))
    world.repository.write('.git/config', '[core\n')
    await tell(runtime.decisions.request({ mission, question: 'Q' }))
    await runtime.stop()

    const strings = stringsIn(shown)
    expect([...strings].some((text) => text.includes('"code"'))).toBe(true)
    expect([...strings].filter((text) => text.includes('INTERNAL'))).toEqual([])
    expect(leaks(strings, forbiddenIn(world))).toEqual([])
  })
})
