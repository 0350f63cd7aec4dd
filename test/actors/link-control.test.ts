import { describe, expect, it } from 'vitest'
import { type AnyActorRef, createActor, fromCallback, SimulatedClock } from 'xstate'
import { LEASE_RETRY_MS, LinkControl } from '#dist/actors/link-control.js'
import type { LinkControlOptions } from '#dist/actors/link-control.js'

type Ask = {
  readonly type: 'worker.ask'
  readonly command: { readonly type: string; readonly state?: string; readonly batch?: number }
  readonly replyTo: AnyActorRef
}

const TARGET = { login: 'a login', epoch: 'first' } as const

/** Whatever was begun has gone as far as it can without the clock. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** The link of a project whose threads are functions of this test, on a clock that only the test moves. */
function world() {
  const clock = new SimulatedClock()
  const asked: string[] = []
  const states: string[] = []
  const refusals: string[] = []
  const heard: string[] = []
  const script = {
    login: 'good',
    proxy: false,
    held: true,
    granted: true,
    hub: true,
    closes: true,
    git: 'answers',
    store: true,
    published: () => {},
    leased: () => {},
  }
  let connections = 0
  const worker = (answer: (command: Ask['command']) => object | null): AnyActorRef =>
    createActor(
      fromCallback<Ask>(({ receive }) =>
        receive(({ command, replyTo }) => {
          asked.push(command.type)
          const reply = answer(command)
          if (reply !== null) replyTo.send(reply)
        }),
      ),
    ).start()
  const refused = { type: 'socket.refused', class: 'transient', error: { code: 'HUB_UNREACHABLE' } }
  const socket = worker(({ type }) => {
    if (type === 'socket.authenticate' && script.login === 'refused') {
      return { ...refused, class: 'unauthenticated', error: { code: 'NOT_AUTHENTICATED' } }
    }
    if (type === 'socket.authenticate' && !script.hub) return refused
    if (type === 'socket.open' && script.proxy) return refused
    if (type === 'socket.probe') return { type: 'socket.probed', connection: ++connections }
    if (type === 'socket.authenticate') return { type: 'socket.authenticated' }
    if (type === 'socket.open') return { type: 'socket.opened', connection: ++connections }
    return type === 'socket.close' && script.closes ? { type: 'socket.closing' } : null
  })
  const store = worker(({ batch }) =>
    script.store
      ? { type: 'store.claimed', batch, count: 0 }
      : { type: 'store.refused', error: { code: 'LEASE_NOT_HELD' } },
  )
  const git = worker(() => {
    if (script.git === 'waits') return null
    return script.git === 'answers'
      ? { type: 'git.framed', frames: [] }
      : { type: 'git.refused', error: { code: 'LOCK_UNUSABLE' } }
  })
  const desk = (name: string, answer: (command: Ask['command']) => object) => ({
    ask: async (command: Ask['command']) => {
      if (command.type === 'store.publishLink') script.published()
      if (command.type === 'store.lease') script.leased()
      asked.push([command.type, command.state].filter((text) => text !== undefined).join(' '))
      return answer(command)
    },
    close: () => void name,
  })
  const options = {
    workers: { store, git, socket },
    store: desk('store', ({ type }) => (type === 'store.lease' ? { ...script } : {})),
    git: desk('git', () => ({})),
    random: () => 0.5,
    clock,
    spawn: (logic: never, id: string, input: never) =>
      createActor(logic, {
        id,
        input,
        clock,
        inspect: (one) => {
          if (one.type === '@xstate.event' && one.event.type === 'socket.snapshot') {
            heard.push(JSON.stringify(one.event))
          }
          if (one.type === '@xstate.event' && one.event.type === 'source.begin') {
            asked.push(one.event.type)
          }
        },
      }).start(),
    changed: ({ state }: { state: string }) => states.push(state),
    refused: ({ code }: { code: string }) => refusals.push(code),
    ledgerRefused: ({ code }: { code: string }) => refusals.push(code),
  }
  const link = new LinkControl(options as unknown as LinkControlOptions)
  return {
    link,
    clock,
    asked,
    states,
    refusals,
    heard,
    script,
    /** How often that was asked. */
    count: (type: string) => asked.filter((one) => one === type).length,
    greet: () =>
      link.takeFact({
        type: 'socket.snapshot',
        connection: connections,
        takes: [],
        ...TARGET,
      }),
  }
}

async function live(): Promise<ReturnType<typeof world>> {
  const made = world()
  expect(await made.link.start()).toBe(true)
  made.greet()
  await settled()
  expect(made.link.state).toBe('live')
  return made
}

describe('the link', () => {
  it('offers refused commits again at each greeting', async () => {
    const { greet, count } = await live()
    expect(count('source.begin')).toBe(1)
    greet()
    await settled()
    expect(count('source.begin')).toBe(2)
  })

  it('takes the lease, opens, empties both drains and says that it is live', async () => {
    const { link, asked, states } = await live()
    expect(states).toEqual([
      'authenticating',
      'connecting',
      'awaitingSnapshot',
      'flushingCommits',
      'live',
    ])
    expect(asked).toContain('git.watch')
    expect(asked.indexOf('store.target')).toBeGreaterThan(-1)
    expect(asked.indexOf('store.target')).toBeLessThan(asked.indexOf('store.claim'))
    expect(asked.findLast((one) => one.startsWith('store.publishLink'))).toBe(
      'store.publishLink live',
    )
    expect([link.isDrained, link.isWanted, link.reason]).toEqual([true, true, null])
  })

  it('starts once, however often and however fast it is asked to', async () => {
    const { link, count, greet } = world()
    expect(await Promise.all([link.start(), link.start(), link.start()])).toEqual([
      true,
      true,
      true,
    ])
    greet()
    await settled()
    expect([count('store.lease'), count('socket.open')]).toEqual([1, 1])
  })

  it('does not start where another process holds it, and then asks the hub nothing', async () => {
    const { link, script, count } = world()
    script.held = false
    expect(await link.start()).toBe(false)
    expect([link.isWanted, count('socket.authenticate')]).toEqual([false, 0])
    script.held = true
    expect(await link.start()).toBe(true)
  })

  it('that is stopped closes and gives the lease back, once', async () => {
    const { link, count } = await live()
    await Promise.all([link.stop(), link.stop()])
    expect([link.state, link.isWanted, count('store.release')]).toEqual(['offline', false, 1])
    expect(await link.start()).toBe(true)
    expect(count('store.lease')).toBe(2)
  })

  it('that is stopped while it starts is down in the end', async () => {
    const { link, count } = world()
    const starting = link.start()
    await link.stop()
    expect(await starting).toBe(true)
    expect([link.state, link.isWanted, count('store.release')]).toEqual(['offline', false, 1])
  })

  it('gives the lease back although the link does not close', async () => {
    const { link, script, count, clock } = await live()
    script.closes = false
    const stopping = link.stop()
    await settled()
    expect([link.state, count('store.release')]).toEqual(['closing', 0])
    // The machine's own deadline for a worker that doesn't answer.
    clock.increment(2_500)
    await stopping
    expect([link.state, count('store.release')]).toEqual(['offline', 1])
  })

  it('is opened again after the socket thread died', async () => {
    const { link, clock, count, greet } = await live()
    link.takeRestart('socket')
    expect([link.state, link.reason]).toEqual(['backingOff', 'WORKER_LOST'])
    clock.increment(500)
    greet()
    await settled()
    expect([link.state, count('socket.open')]).toEqual(['live', 2])
  })

  it('takes its lease again after the store thread died, and stays up', async () => {
    const { link, count, states } = await live()
    link.takeRestart('store')
    await settled()
    expect([link.state, count('store.lease'), states.length]).toEqual(['live', 2, 5])
    expect(count('store.publishLink live')).toBe(2)
  })

  it('looks for commits once a git thread that came back watches', async () => {
    const { link, count, asked } = await live()
    const before = count('git.frames')
    link.takeRestart('git')
    await settled()
    expect(count('git.frames')).toBe(before + 1)
    expect(asked.lastIndexOf('git.frames')).toBeGreaterThan(asked.lastIndexOf('git.watch'))
  })

  it('goes down where consent was withdrawn while nobody here held the lease (I30)', async () => {
    const { link, script, count } = await live()
    script.granted = false
    link.takeRestart('store')
    await settled()
    expect([link.state, link.reason, link.isWanted]).toEqual(['offline', 'NO_CONSENT', true])
    link.heed(true)
    await settled()
    expect([link.reason, count('socket.open')]).toEqual([null, 2])
  })

  it('goes down where another process took the lease meanwhile, and comes back with it', async () => {
    const { link, clock, script, count, greet } = await live()
    script.held = false
    link.takeRestart('store')
    await settled()
    expect([link.state, link.isWanted]).toEqual(['offline', true])
    clock.increment(LEASE_RETRY_MS)
    await settled()
    expect([count('store.lease'), count('socket.open')]).toEqual([3, 1])
    script.held = true
    clock.increment(LEASE_RETRY_MS)
    await settled()
    greet()
    await settled()
    expect(link.state).toBe('live')
  })

  it('asks for the lease no more once it is stopped', async () => {
    const { link, clock, script, count } = await live()
    script.held = false
    link.takeRestart('store')
    await settled()
    await link.stop()
    clock.increment(LEASE_RETRY_MS * 10)
    await settled()
    expect(count('store.lease')).toBe(2)
  })

  it.each(['store', 'socket'] as const)(
    'is down for good where the %s worker has failed, says so, and keeps no lease',
    async (name) => {
      const { link, clock, count } = await live()
      link.takeFailure(name)
      await settled()
      clock.increment(LEASE_RETRY_MS * 10)
      await settled()
      expect([link.state, link.reason, link.isWanted]).toEqual(['offline', 'WORKER_FAILED', false])
      expect([count('store.lease'), count('store.release')]).toEqual([1, 1])
      expect(count('socket.authenticate')).toBe(1)
    },
  )

  it('stays up where the git worker has failed', async () => {
    const { link } = await live()
    link.takeFailure('git')
    await settled()
    expect([link.state, link.isWanted]).toEqual(['live', true])
  })

  it('goes live although the ledger refuses, says so once, and asks it again on the same link', async () => {
    const { link, clock, script, states, refusals, count, greet } = world()
    script.git = 'refuses'
    await link.start()
    greet()
    await settled()
    clock.increment(1_000)
    expect(count('git.frames')).toBeGreaterThan(1)
    expect([link.state, link.isDrained, link.isLedgerRefusing]).toEqual(['live', true, true])
    expect(refusals).toEqual(['LOCK_UNUSABLE'])
    script.git = 'answers'
    clock.increment(10_000)
    expect([link.state, link.isDrained, link.isLedgerRefusing]).toEqual(['live', true, false])
    expect([states.length, refusals.length]).toEqual([5, 1])
  })

  it('does not wait for a ledger that has refused and is asked again', async () => {
    const { link, clock, script, count, greet } = world()
    script.git = 'refuses'
    await link.start()
    greet()
    script.git = 'waits'
    clock.increment(10_000)
    expect(count('git.frames')).toBe(2)
    expect([link.isDrained, link.isLedgerRefusing]).toEqual([true, true])
  })

  it('waits for a ledger that is asked and has not refused', async () => {
    const { link, script } = await live()
    script.git = 'waits'
    link.nudge()
    expect([link.isDrained, link.isLedgerRefusing]).toEqual([false, false])
  })

  it('waits for a store that refuses, which is no fault of the ledger', async () => {
    const { link, clock, script, refusals, greet } = world()
    script.store = false
    await link.start()
    greet()
    await settled()
    clock.increment(1_000)
    expect([link.state, link.isDrained, link.isLedgerRefusing]).toEqual(['live', false, false])
    expect(refusals).toEqual([])
    script.store = true
    clock.increment(10_000)
    expect(link.isDrained).toBe(true)
  })

  it('looks for the frames of others again after the git thread died', async () => {
    const { link, count } = await live()
    link.takeRestart('git')
    expect([count('git.watch'), link.state]).toEqual([2, 'live'])
  })

  it('goes down with the consent and comes back with it, and keeps the lease', async () => {
    const { link, count, greet } = await live()
    link.heed(false)
    await settled()
    expect([link.state, link.reason, count('store.release')]).toEqual(['offline', 'NO_CONSENT', 0])
    link.heed(true)
    greet()
    await settled()
    expect([link.state, count('store.lease')]).toEqual(['live', 1])
  })

  it('comes back with a start where consent was given here that another process had withdrawn', async () => {
    const { link, greet, count } = await live()
    link.heed(false)
    await settled()
    expect(await link.start()).toBe(true)
    greet()
    await settled()
    expect([link.state, count('store.lease')]).toEqual(['live', 1])
  })

  it('asks for a lease again that was lost before the start was over', async () => {
    const { link, script, count, greet, clock } = world()
    script.published = () => {
      script.published = () => {}
      link.takeRestart('store')
    }
    expect(await link.start()).toBe(true)
    await settled()
    clock.increment(LEASE_RETRY_MS)
    await settled()
    greet()
    await settled()
    expect([link.state, link.isWanted, count('store.lease')]).toEqual(['live', true, 2])
  })

  it('asks again for a lease whose loss was told before its answer', async () => {
    const { link, script, count } = world()
    script.leased = () => {
      script.leased = () => {}
      link.takeRestart('store')
    }
    expect(await link.start()).toBe(true)
    expect([link.isWanted, count('store.lease')]).toEqual([true, 2])
  })

  it('tries at once when someone waits, instead of after its back-off', async () => {
    const { link, script, count } = world()
    script.hub = false
    await link.start()
    expect([link.state, count('socket.authenticate')]).toEqual(['backingOff', 1])
    link.hurry()
    expect(count('socket.authenticate')).toBe(2)
  })

  it('says when it is tried again, and nothing once it is up', async () => {
    const { link, clock, script, greet } = world()
    script.hub = false
    await link.start()
    expect([link.state, link.nextTryAt]).toEqual(['backingOff', 250])
    script.hub = true
    clock.increment(250)
    greet()
    await settled()
    expect([link.state, link.nextTryAt]).toEqual(['live', null])
  })

  it('has delivered what it can where only HTTP gets through, which is not all', async () => {
    const { link, script, greet } = world()
    script.proxy = true
    await link.start()
    await settled()
    expect([link.state, link.isEmptiedByBatches, link.isDrained]).toEqual(['batching', true, false])
    greet()
    expect(link.state).toBe('batching')
  })

  it('says each refusal once, until it was live', async () => {
    const { link, script, refusals, greet } = world()
    script.login = 'refused'
    await link.start()
    link.relogin()
    link.hurry()
    expect([link.state, refusals]).toEqual(['suspended', ['NOT_AUTHENTICATED']])
    script.login = 'good'
    link.relogin()
    greet()
    await settled()
    script.login = 'refused'
    link.relogin()
    await settled()
    link.hurry()
    expect(refusals).toEqual(['NOT_AUTHENTICATED', 'NOT_AUTHENTICATED'])
  })

  it('tells its machines no more of a hub than the number of the connection', async () => {
    const { link, heard } = world()
    await link.start()
    const greeting = {
      connection: 1,
      login: 'a login',
      epoch: 'e1',
      takes: ['ledger_lines'] as const,
    }
    link.takeFact({ type: 'socket.snapshot', ...greeting })
    expect(heard).toEqual(['{"type":"socket.snapshot","connection":1}'])
  })

  it('is waited for until something is so, a time is over or a signal comes', async () => {
    const { link, clock } = await live()
    expect(await link.until(() => link.isDrained, 1_000)).toBe(true)
    const late = link.until(() => false, 1_000)
    clock.increment(1_000)
    expect(await late).toBe(false)
    const interruption = new AbortController()
    const aborted = link.until(() => false, 1_000, interruption.signal)
    interruption.abort()
    expect(await aborted).toBe(false)
    expect(await link.until(() => false, 1_000, AbortSignal.abort())).toBe(false)
  })
})
