import { describe, expect, it } from 'vitest'
import { createActor, fromCallback, SimulatedClock } from 'xstate'
import { MAILBOX_MAX, RESTARTS_MAX, workerMachine } from '#dist/actors/worker.machine.js'
import { checkTable } from '../support/machine-table.ts'
import { fc, property } from '../support/property.ts'

const nobody = createActor(fromCallback(() => undefined)).start()
const options = { name: 'store', random: () => 0.5, now: () => 0 } as const
const stay = 'stay' as const
const ask = { type: 'worker.ask', command: { type: 'store.count' }, replyTo: nobody } as never
const crashed = { type: 'thread.crashed', code: 'EXITED', message: '' } as never
const deaf = {
  ask: stay,
  stop: stay,
  ready: stay,
  answered: stay,
  reported: stay,
  stopped: stay,
  crashed: stay,
} as const

checkTable(workerMachine, {
  context: { options, mailbox: [], crashes: [], failure: null },
  children: { thread: nobody },
  states: {
    idle: 'idle',
    starting: { running: 'starting' },
    ready: { running: 'ready' },
    stopping: { running: 'stopping' },
    restarting: 'restarting',
    failed: 'failed',
    stopped: 'stopped',
  },
  events: {
    ask,
    stop: { type: 'worker.stop' },
    ready: { type: 'thread.ready' },
    answered: { type: 'thread.answered', answer: { type: 'store.counted' } } as never,
    reported: { type: 'thread.reported', fact: {} } as never,
    stopped: { type: 'thread.stopped' },
    crashed,
  },
  table: {
    idle: { ...deaf, ask: 'starting', stop: 'stopped' },
    starting: { ...deaf, ready: 'ready', stop: 'stopping', crashed: 'restarting' },
    ready: { ...deaf, stop: 'stopping', crashed: 'restarting' },
    stopping: { ...deaf, stopped: 'stopped', crashed: 'stopped' },
    restarting: { ...deaf, stop: 'stopped' },
    failed: { ...deaf, stop: 'stopped' },
    stopped: deaf,
  },
})

/** A worker whose thread is a function of this test: it sees the posts and says what the thread would. */
function world() {
  const posts: number[] = []
  const answers: unknown[] = []
  const refusals: { code: string; hint: string; retryable: boolean }[] = []
  const told: string[] = []
  const clock = new SimulatedClock()
  let now = 0
  let say: (event: never) => void = () => undefined
  const thread = fromCallback<{ type: string; command?: { id: number } }>(
    ({ receive, sendBack }) => {
      say = sendBack
      receive((event) => {
        if (event.command !== undefined) posts.push(event.command.id)
      })
    },
  )
  const client = createActor(
    fromCallback<{ type: string; id?: number; error?: (typeof refusals)[number] }>(({ receive }) =>
      receive((answer) => {
        answers.push(answer.id ?? answer.type)
        if (answer.error !== undefined) refusals.push(answer.error)
      }),
    ),
  ).start()
  const worker = createActor(workerMachine.provide({ actors: { thread: thread as never } }), {
    clock,
    input: { ...options, now: () => now },
  })
  for (const name of ['worker.restarted', 'worker.failed'] as const) {
    worker.on(name, () => told.push(name))
  }
  worker.start()
  return {
    posts,
    answers,
    refusals,
    told,
    worker,
    ask: (id: number) =>
      worker.send({
        type: 'worker.ask',
        command: { type: 'store.count', id } as never,
        replyTo: client,
      }),
    say: (event: object) => say(event as never),
    wait: (ms: number) => {
      now += ms
      clock.increment(ms)
    },
  }
}

describe('a worker', () => {
  it('starts its thread with the first ask and answers in order (L6)', () => {
    const { posts, answers, worker, ask: put, say } = world()
    expect(worker.getSnapshot().value).toBe('idle')
    put(1)
    put(2)
    expect(posts).toEqual([])
    say({ type: 'thread.ready' })
    expect(posts).toEqual([1, 2])
    say({ type: 'thread.answered', answer: { type: 'x', id: 1 } })
    say({ type: 'thread.answered', answer: { type: 'x', id: 2 } })
    expect(answers).toEqual([1, 2])
  })

  it('asks again what had no answer when its thread died', () => {
    const { posts, answers, told, ask: put, say, wait } = world()
    put(1)
    put(2)
    say({ type: 'thread.ready' })
    say({ type: 'thread.answered', answer: { type: 'x', id: 1 } })
    say(crashed)
    put(3)
    wait(1_000)
    say({ type: 'thread.ready' })
    expect(posts).toEqual([1, 2, 2, 3])
    expect(told).toEqual(['worker.restarted'])
    expect(answers).toEqual([1])
  })

  it('gives up beyond its budget, with the reason, and settles every ask', () => {
    const { answers, refusals, told, worker, ask: put, say, wait } = world()
    put(1)
    for (let crash = 0; crash <= RESTARTS_MAX; crash++) {
      say(crashed)
      wait(1_000)
    }
    expect(worker.getSnapshot().value).toBe('failed')
    expect(told.at(-1)).toBe('worker.failed')
    expect(answers).toEqual(['store.refused'])
    put(2)
    expect(answers).toEqual(['store.refused', 'store.refused'])
    // The first may have been done before its thread died; the second can't have been (L2).
    expect(refusals.map(({ code }) => code)).toEqual(['WORKER_FAILED', 'WORKER_FAILED'])
    expect(refusals.map(({ hint }) => hint.includes('not known'))).toEqual([true, false])
  })

  it('forgets crashes that lie further back than the period, once it has answered', () => {
    const { worker, ask: put, say, wait } = world()
    for (let crash = 0; crash < RESTARTS_MAX * 3; crash++) {
      put(crash)
      say(crashed)
      wait(6_000)
      say({ type: 'thread.ready' })
      say({ type: 'thread.answered', answer: { type: 'x', id: crash } })
    }
    expect(worker.getSnapshot().matches({ running: 'ready' })).toBe(true)
  })

  it('gives up on a command that kills its thread each time, however slowly', () => {
    const { answers, worker, ask: put, say, wait } = world()
    put(1)
    for (let crash = 0; crash <= RESTARTS_MAX; crash++) {
      say({ type: 'thread.ready' })
      wait(60_000)
      say(crashed)
      wait(1_000)
    }
    expect(worker.getSnapshot().value).toBe('failed')
    expect(answers).toEqual(['store.refused'])
  })

  it('outlives any number of crashes while nothing waits for an answer', () => {
    const { worker, ask: put, say, wait } = world()
    put(1)
    say({ type: 'thread.ready' })
    say({ type: 'thread.answered', answer: { type: 'x', id: 1 } })
    for (let crash = 0; crash < RESTARTS_MAX * 3; crash++) {
      say(crashed)
      wait(6_000)
      say({ type: 'thread.ready' })
    }
    expect(worker.getSnapshot().matches({ running: 'ready' })).toBe(true)
  })

  it('refuses what its mailbox can not hold (L8)', () => {
    const { answers, refusals, worker, ask: put } = world()
    for (let id = 0; id < MAILBOX_MAX; id++) put(id)
    expect(answers).toEqual([])
    put(-1)
    expect(answers).toEqual(['store.refused'])
    expect(refusals[0]).toMatchObject({ code: 'BUSY', retryable: true })
    expect(worker.getSnapshot().context.mailbox).toHaveLength(MAILBOX_MAX)
  })

  it('answers what it holds before it stops, and refuses the rest', () => {
    const { answers, worker, ask: put, say } = world()
    put(1)
    say({ type: 'thread.ready' })
    worker.send({ type: 'worker.stop' })
    put(2)
    say({ type: 'thread.answered', answer: { type: 'x', id: 1 } })
    say({ type: 'thread.stopped' })
    expect(answers).toEqual([1, 'store.refused'])
    expect(worker.getSnapshot().value).toBe('stopped')
  })

  const act = fc.constantFrom('ask', 'ask', 'ready', 'answer', 'answer', 'crash', 'wait')
  property([fc.array(act, { maxLength: 60 })])(
    'settles every ask exactly once, whatever dies when',
    (acts) => {
      const { posts, answers, worker, ask: put, say, wait } = world()
      let asked = 0
      let answered = 0
      for (const what of acts) {
        const ready = worker.getSnapshot().matches({ running: 'ready' })
        if (what === 'ask') put(asked++)
        else if (what === 'wait') wait(6_000)
        else if (what === 'ready') say({ type: 'thread.ready' })
        else if (what === 'crash' && worker.getSnapshot().matches('running')) say(crashed)
        else if (what === 'answer' && ready && answered < asked) {
          say({ type: 'thread.answered', answer: { type: 'x', id: answered++ } })
        }
      }
      worker.send({ type: 'worker.stop' })
      wait(10_000)
      expect(answers).toHaveLength(asked)
      expect(answers.filter((answer) => typeof answer === 'number')).toEqual(
        Array.from({ length: answered }, (_, id) => id),
      )
      expect(new Set(posts).size).toBeLessThanOrEqual(asked)
    },
  )
})
