/** A world whose commands may start a background process, which is ended with it, by its id. */
import { readOwner } from '#dist/background/owner-record.js'
import { placesOf } from '#dist/background/places.js'
import { SenderLease } from '#dist/workers/store/sender-lease.js'
import type { Ended } from './program.ts'
import { until } from './program.ts'
import { type TestHub, TestMachine, TestWorld } from './test-machine.ts'

export type BackgroundStatus = {
  readonly state: 'running' | 'not_running' | 'unresponsive'
  readonly reason: string | null
  readonly pid: number
  readonly version: string
  readonly resident_mb: number
  readonly projects: readonly {
    readonly project: string
    readonly state: string
    readonly reason: string | null
    readonly next_try_at: string | null
    readonly waiting: number
  }[]
}

export class BackgroundWorld implements AsyncDisposable {
  readonly machine: TestMachine
  readonly root: string

  constructor(machine: TestMachine, root: string) {
    this.machine = machine
    this.root = root
  }

  /** With a repository, and neither a project nor a hub: for what happens to the process itself. */
  static bare(): BackgroundWorld {
    const machine = new TestMachine()
    return new BackgroundWorld(machine, machine.repository('seabird'))
  }

  get places() {
    return placesOf(this.machine.state)
  }

  /** A command that may start the process. */
  allowing<Value>(work: () => Promise<Value>): Promise<Value> {
    const { env } = this.machine
    env['KITTIWAKE_AUTO_START'] = '1'
    return work().finally(() => (env['KITTIWAKE_AUTO_START'] = '0'))
  }

  run(...args: string[]): Promise<Ended> {
    return this.machine.run(this.root, args)
  }

  async start(...flags: string[]): Promise<number> {
    return (await this.machine.ok(this.root, ['sync', 'start', ...flags]))['pid'] as number
  }

  async status(): Promise<BackgroundStatus> {
    return (await this.machine.ok(this.root, ['sync', 'status']))['background'] as BackgroundStatus
  }

  /** The kernel's word for whether one runs. */
  get isRunning(): boolean {
    return SenderLease.isHeld(this.places.lock)
  }

  async untilEnded(): Promise<void> {
    await until('the background process has ended', () => !this.isRunning)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const owner = readOwner(this.places.owner)
    if (this.isRunning && owner.state === 'present') process.kill(owner.record.pid, 'SIGKILL')
    await this.machine.close()
  }
}

/** With a project that has consented, and its hub. */
export class SendingWorld extends BackgroundWorld {
  readonly hub: TestHub
  readonly uuid: string

  private constructor({ machine, root, hub, uuid }: TestWorld) {
    super(machine, root)
    this.hub = hub
    this.uuid = uuid
  }

  static async make(): Promise<SendingWorld> {
    return new SendingWorld(await TestWorld.make())
  }
}
