/** A repository with an identity and a state directory of its own, and the programs that run in it. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import { createRuntime } from '#dist/index.js'
import type { Runtime, RuntimeOptions } from '#dist/index.js'
import { initProject } from '#dist/project/init.js'
import { writeLogin } from '#dist/project/login/login.js'
import { createMission } from '#dist/project/missions/mission-create.js'
import { locateRepository } from '#dist/project/git/locate.js'
import { outboxPath } from '#dist/project/state-directory.js'
import { OutboxReader } from '#dist/workers/store/outbox-reader.js'
import { GitRepository } from './git-repository.ts'
import { rawHere } from './run-here.ts'

/** The worker thread that a program loses, and how; see `fault.mjs`. */
export type Fault = {
  /** Empty: any. */
  readonly worker: 'store' | 'git' | 'socket' | ''
  readonly point: string
  readonly nth?: number
  readonly how: 'throw' | 'exit' | 'loop' | 'memory'
  readonly times?: number
  /** The heap of the program and its threads, where they have no limit of their own. */
  readonly heapMb?: number
}

/** No loss: only lets the test know that a thread has come to the point. */
export type Sign = Omit<Fault, 'how'> & { readonly how: 'tell' }

export type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string }

const SUPPORT = fileURLToPath(new URL('.', import.meta.url))
const MAIN = join(SUPPORT, '../../dist/cli/main.js')
/** No program of the tests takes longer; one that does has hung. */
const PROGRAM_WITHIN_MS = 45_000

export class RuntimeWorld {
  readonly repository = GitRepository.withCommit(['-b', 'main'])
  readonly home = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-runtime-')))
  readonly state = join(this.home, 'state')
  readonly #faultLog = join(this.home, 'faults')

  constructor() {
    onTestFinished(() => {
      this.repository.remove()
      rmSync(this.home, { recursive: true, force: true })
    })
  }

  static async withProject(): Promise<RuntimeWorld> {
    const world = new RuntimeWorld()
    await world.init()
    return world
  }

  get root(): string {
    return this.repository.root
  }

  async init(): Promise<string> {
    const { identity } = await initProject(this.root)
    return identity.uuid
  }

  async createMission(slug: string): Promise<string> {
    const repository = await locateRepository(this.root)
    return (await createMission(repository, { slug, topology: 'coord' })).directory
  }

  /** A runtime that is stopped when the test is over. */
  async open(options: Partial<RuntimeOptions> = {}): Promise<Runtime> {
    const runtime = await createRuntime({
      root: this.root,
      stateDirectory: this.state,
      link: 'manual',
      ...options,
    })
    onTestFinished(() => runtime.stop())
    return runtime
  }

  async optIn(): Promise<void> {
    const runtime = await this.open()
    await runtime.sync.optIn()
    await runtime.stop()
  }

  login(hub: { readonly hub: { readonly url: string }; readonly token: string }): void {
    writeLogin(this.state, { hub: hub.hub.url, token: hub.token, team_slug: 'acme' })
  }

  /** Every event of the project's outbox in the order of its clock. */
  events(uuid: string): { event_id: string; lamport: number; state: string; note: unknown }[] {
    const path = outboxPath(this.state, uuid)
    if (!existsSync(path)) return []
    const reader = OutboxReader.open({ path, owner: { kind: 'project', uuid } })
    try {
      const rows = reader.list({}).map(({ event_id, event, state }) => ({
        event_id,
        lamport: event?.lamport_clock ?? 0,
        state,
        note: event?.payload['note'],
      }))
      return rows.sort((one, other) => one.lamport - other.lamport)
    } finally {
      reader.close()
    }
  }

  /** Runs a command of the program. */
  run(
    args: readonly string[],
    options: { fault?: Fault | Sign; input?: string } = {},
  ): Promise<Ran> {
    return this.#node([MAIN, ...args], options)
  }

  /** In this process, where the command only prepares or looks: a start costs more than most commands do. */
  async runHere(args: readonly string[]): Promise<Ran> {
    const { code, out, err } = await rawHere({ cwd: this.root, env: this.#env }, args)
    return { code: Number(code), stdout: out, stderr: err }
  }

  /** Runs `work` of `runtime-child.mjs` on a runtime in a process of its own; it prints JSON lines. */
  async call(
    work: string,
    input: object = {},
    options: { fault?: Fault | Sign } = {},
  ): Promise<{ readonly ran: Ran; readonly lines: Record<string, unknown>[] }> {
    const child = join(SUPPORT, 'runtime-child.mjs')
    const ran = await this.#node(
      [child, work, JSON.stringify({ root: this.root, ...input })],
      options,
    )
    const lines = ran.stdout.split('\n').filter((line) => line !== '')
    return { ran, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
  }

  /** How often the fault struck. */
  strikes(): number {
    if (!existsSync(this.#faultLog)) return 0
    return readFileSync(this.#faultLog, 'utf8').split('\n').length - 1
  }

  get #env(): NodeJS.ProcessEnv {
    return { ...process.env, KITTIWAKE_HOME: this.state, GIT_CONFIG_NOSYSTEM: '1' }
  }

  #node(args: readonly string[], options: { fault?: Fault | Sign; input?: string }): Promise<Ran> {
    const preload = pathToFileURL(join(SUPPORT, 'fault.mjs')).href
    const { fault, input } = options
    const env = {
      ...this.#env,
      ...(fault === undefined
        ? {}
        : {
            NODE_OPTIONS: [
              process.env['NODE_OPTIONS'] ?? '',
              `--import ${preload}`,
              fault.heapMb === undefined ? '' : `--max-old-space-size=${fault.heapMb}`,
            ].join(' '),
            KITTIWAKE_FAULT: JSON.stringify({ ...fault, log: this.#faultLog }),
          }),
    }
    return new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [...args],
        { cwd: this.root, env, timeout: PROGRAM_WITHIN_MS, killSignal: 'SIGKILL' },
        (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
      )
      child.stdin?.end(input ?? '')
    })
  }
}

/** The next change of the link to that state. */
export function reaches(runtime: Runtime, state: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = runtime.on('link', (change) => {
      if (change.state !== state) return
      stop()
      resolve()
    })
  })
}
