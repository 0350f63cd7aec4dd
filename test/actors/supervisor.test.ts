import { describe, expect, it } from 'vitest'
import { createActor, fromCallback, SimulatedClock } from 'xstate'
import { STOP_DEADLINE_MS, supervisorMachine } from '#dist/actors/supervisor.machine.js'
import { workerMachine } from '#dist/actors/worker.machine.js'
import { checkTable } from '../support/machine-table.ts'

const nobody = createActor(fromCallback(() => undefined)).start()
const stay = 'stay' as const
const failure = { code: 'EXITED', message: '' }

checkTable(supervisorMachine, {
  context: {
    workers: { store: nobody, git: nobody, socket: nobody },
    failures: {},
    stopped: ['store', 'git'],
  },
  states: { running: 'running', degraded: 'degraded', stopping: 'stopping', stopped: 'stopped' },
  events: {
    stop: { type: 'supervisor.stop' },
    escalate: { type: 'supervisor.escalate', name: 'git', failure } as never,
    oneStopped: { type: 'supervisor.workerStopped', name: 'git' } as never,
    lastStopped: { type: 'supervisor.workerStopped', name: 'socket' } as never,
  },
  table: {
    running: { stop: 'stopping', escalate: 'degraded', oneStopped: stay, lastStopped: stay },
    degraded: { stop: 'stopping', escalate: stay, oneStopped: stay, lastStopped: stay },
    stopping: { stop: stay, escalate: stay, oneStopped: stay, lastStopped: 'stopped' },
    stopped: { stop: stay, escalate: stay, oneStopped: stay, lastStopped: stay },
  },
})

function house() {
  const clock = new SimulatedClock()
  const told: string[] = []
  const machine = workerMachine.provide({
    actors: { thread: fromCallback(() => undefined) as never },
  })
  const supervisor = createActor(
    supervisorMachine.provide({ actors: { store: machine, git: machine, socket: machine } }),
    { clock, input: { random: () => 0, now: () => 0 } },
  )
  supervisor.on('supervisor.escalated', ({ name }) => told.push(`escalated ${name}`))
  supervisor.on('supervisor.stopped', () => told.push('stopped'))
  return { clock, told, supervisor: supervisor.start() }
}

describe('the supervisor', () => {
  it('starts no thread by itself', () => {
    const { supervisor } = house()
    const { workers } = supervisor.getSnapshot().context
    expect(Object.values(workers).map((worker) => worker.getSnapshot().value)).toEqual([
      'idle',
      'idle',
      'idle',
    ])
  })

  it('goes on without a worker that is beyond its budget, and says which', () => {
    const { supervisor, told } = house()
    supervisor.send({ type: 'supervisor.escalate', name: 'git', failure })
    expect(supervisor.getSnapshot().value).toBe('degraded')
    expect(supervisor.getSnapshot().context.failures).toEqual({ git: failure })
    expect(told).toEqual(['escalated git'])
  })

  it('is stopped within its deadline, whatever a thread does', () => {
    const { supervisor, told, clock } = house()
    const { workers } = supervisor.getSnapshot().context
    workers.git.send({ type: 'worker.ask', command: { type: 'git.heal' }, replyTo: nobody })
    supervisor.send({ type: 'supervisor.stop' })
    expect(told).toEqual([])
    clock.increment(STOP_DEADLINE_MS)
    expect(told).toEqual(['stopped'])
    expect(supervisor.getSnapshot().status).toBe('done')
  })
})
