/** One machine of one person: a home, a state directory, repositories and hubs, and the programs that run on it. */
import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GIT_ENVIRONMENT } from './git-repository.ts'
import { Program, run } from './program.ts'
import type { Document, Ended } from './program.ts'
import { canRunHere, runHere } from './run-here.ts'

export type Project = { readonly root: string; readonly uuid: string }

/** A row as the hub lists it: an event or a commit. */
export type HubRow = {
  readonly seq: number
  readonly received_at: string
  readonly event: Readonly<Record<string, unknown>>
  readonly commit: Readonly<Record<string, unknown>>
}

export class TestMachine {
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  readonly #programs: Program[] = []
  readonly #initArguments: readonly string[]

  /** With what `git init` makes its repositories. */
  constructor(initArguments: readonly string[] = []) {
    this.#initArguments = initArguments
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-journey-')))
    const home = join(this.folder, 'home')
    mkdirSync(home)
    this.env = {
      ...process.env,
      ...GIT_ENVIRONMENT,
      HOME: home,
      KITTIWAKE_HOME: this.state,
    }
  }

  /** The state directory. */
  get state(): string {
    return join(this.folder, 'state')
  }

  /** A repository on `main` with one commit. */
  repository(name: string): string {
    const root = join(this.folder, name)
    this.git(this.folder, 'init', '-q', '-b', 'main', ...this.#initArguments, root)
    writeFileSync(join(root, 'README.md'), `# ${name}\n`)
    this.git(root, 'add', '.')
    this.git(root, 'commit', '-q', '-m', 'Start')
    return root
  }

  /** A repository with an identity. */
  async project(name: string): Promise<Project> {
    const root = this.repository(name)
    const { project } = await this.ok(root, ['init'])
    return { root, uuid: (project as { uuid: string }).uuid }
  }

  git(cwd: string, ...args: string[]): string {
    const stdio = ['ignore', 'pipe', 'pipe'] as const
    return execFileSync('git', args, { cwd, env: this.env, encoding: 'utf8', stdio: [...stdio] })
  }

  /** In a process of its own, as somebody's shell does it. */
  run(cwd: string, args: readonly string[], input?: string): Promise<Ended> {
    return run({ cwd, env: this.env }, args, input)
  }

  /** In this process, where that is the same: a program of its own costs more than most commands have to do. */
  runHere(cwd: string, args: readonly string[], input?: string): Promise<Ended> {
    const place = { cwd, env: this.env }
    return (canRunHere(place, args) ? runHere : run)(place, args, input)
  }

  /** The document of a command that must succeed; see `runHere`. */
  async ok(cwd: string, args: readonly string[], input?: string): Promise<Document> {
    const { code, document, err } = await this.runHere(cwd, args, input)
    if (code === 0) return document
    throw new Error(
      `${args.slice(0, 2).join(' ')} ended with ${code}: ${JSON.stringify(document)} ${err}`,
    )
  }

  /** `env` comes on top. */
  start(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
    const program = new Program({ cwd, env: { ...this.env, ...env } }, args)
    this.#programs.push(program)
    return program
  }

  /** `sync run`, once it is live. */
  async link(cwd: string): Promise<Program> {
    const link = this.start(cwd, ['sync', 'run'])
    await link.saw(({ state }) => state === 'live')
    return link
  }

  /** Ends what still runs and removes every file. */
  async close(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.end('SIGKILL')))
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A hub of a machine, which keeps its port and its data folder over its lives. */
export class TestHub {
  readonly dataDir: string
  readonly #machine: TestMachine
  #program: Program | null = null
  #token = ''
  url = ''
  /** The one-time link, where it was started with --open. */
  dashboard: string | null = null
  #port = 0

  constructor(machine: TestMachine, name = 'hub') {
    this.#machine = machine
    this.dataDir = join(machine.folder, name)
  }

  get token(): string {
    return this.#token
  }

  get port(): number {
    return this.#port
  }

  /** On the port it had before, else on the given one, else on a free one. */
  async start(port = this.#port, ...flags: readonly string[]): Promise<this> {
    const where = ['--port', String(port), '--data', this.dataDir, ...flags]
    this.#program = this.#machine.start(this.#machine.folder, ['hub', 'serve', ...where])
    const found = await this.#program.saw((document) => document['url'] !== undefined)
    this.url = found['url'] as string
    this.#port = found['port'] as number
    this.dashboard = typeof found['dashboard'] === 'string' ? found['dashboard'] : null
    return this
  }

  async kill(): Promise<void> {
    await this.#program?.end('SIGKILL')
  }

  async createToken(): Promise<string> {
    const args = ['hub', 'token', 'create', '--team', 'coast', '--user', 'keeper']
    const created = await this.#machine.ok(this.#machine.folder, [...args, '--data', this.dataDir])
    this.#token = created['token'] as string
    return this.#token
  }

  /** Keeps its connections and takes new ones, but answers nothing. */
  freeze(): void {
    this.#program?.child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#program?.child.kill('SIGCONT')
  }

  /** Makes a token on the first time, and logs the machine in. */
  async login(cwd: string, ...flags: string[]): Promise<Document> {
    const token = this.#token === '' ? await this.createToken() : this.#token
    const args = ['auth', 'login', '--hub', this.url, '--token-file', '-', ...flags]
    return this.#machine.ok(cwd, args, token)
  }

  /** What one of its read routes answers. */
  async read<Answer>(name: string, query: Readonly<Record<string, string>>): Promise<Answer> {
    const url = `${this.url}/api/v1/${name}?${new URLSearchParams(query)}`
    const response = await fetch(url, { headers: { authorization: `Bearer ${this.#token}` } })
    return (await response.json()) as Answer
  }

  /** Everything that the hub holds of a project, by its HTTP interface. */
  async rows(name: 'event' | 'commit', uuid: string): Promise<HubRow[]> {
    const rows: HubRow[] = []
    for (let after = 0; ;) {
      const url = `${this.url}/api/v1/${name}s?project_uuid=${uuid}&after=${after}`
      const response = await fetch(url, { headers: { authorization: `Bearer ${this.#token}` } })
      const page = (await response.json()) as Record<string, HubRow[]> & { next: number }
      const found = page[`${name}s`] ?? []
      if (found.length === 0) return rows
      rows.push(...found)
      after = page.next
    }
  }
}

/** A machine with a project that is logged in at a hub of its own and has consented. */
export class TestWorld implements AsyncDisposable {
  readonly machine: TestMachine
  readonly hub: TestHub
  readonly root: string
  readonly uuid: string

  private constructor(machine: TestMachine, hub: TestHub, { root, uuid }: Project) {
    this.machine = machine
    this.hub = hub
    this.root = root
    this.uuid = uuid
  }

  static async make(): Promise<TestWorld> {
    const machine = new TestMachine()
    const hub = new TestHub(machine)
    const [project] = await Promise.all([machine.project('seabird'), hub.start()])
    await hub.login(project.root)
    return new TestWorld(machine, hub, project)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.machine.close()
  }
}

/** The files beneath a folder in which the bytes of a text stand. */
export function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text))
}
