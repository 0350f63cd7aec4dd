// One machine of one person with several projects, a hub, and the network between them: real processes, own folders.
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { devNull, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root as packageRoot } from '../prepare.mjs'
import { HUB_ADDRESS, LinkProxy } from './link-proxy.mjs'
import { NatsProcess } from '../nats-process.mjs'
import { SmallDisk } from './small-disk.mjs'

const MAIN = join(packageRoot, 'dist/cli/main.js')
const CLOCK = new URL('../shift-clock.mjs', import.meta.url).href
const DISK_MB = 128
const ERR_CHARS_MAX = 4_000
const UP_WITHIN_MS = 60_000
const LOOK_MS = 25

export class ChaosWorld {
  projects = []
  /** What must never leave this machine, or reach its outbox: the person's words in what is recorded. */
  personal = ['quincy-canary', 'Quincy Canarian', 'quincy.canary@mail.example.org']
  /** The wall clock of whatever is started from now on. */
  clockMs = 0
  /** `{ kind, child }` of what runs. */
  #running = new Set()
  #hub = null
  #hubPort = 0
  #token = { token: '', token_id: '' }
  proxy = null
  nats = null

  constructor(areDisksSmall) {
    const megabytes = areDisksSmall ? DISK_MB : null
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-chaos-')))
    this.machineDisk = new SmallDisk(join(this.folder, 'machine'), megabytes)
    this.hubDisk = new SmallDisk(join(this.folder, 'hub'), megabytes)
    this.state = join(this.machineDisk.folder, 'state')
    this.dataDir = join(this.hubDisk.folder, 'data')
    const home = join(this.machineDisk.folder, 'quincy-canary')
    mkdirSync(home)
    this.env = {
      ...process.env,
      HOME: home,
      KITTIWAKE_HOME: this.state,
      // Whoever starts this run may have forbidden it for other programs.
      KITTIWAKE_AUTO_START: '1',
      GIT_CONFIG_GLOBAL: devNull,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_AUTHOR_NAME: this.personal[1],
      GIT_AUTHOR_EMAIL: this.personal[2],
      GIT_COMMITTER_NAME: this.personal[1],
      GIT_COMMITTER_EMAIL: this.personal[2],
      LC_ALL: 'C',
    }
    for (const name of ['NODE_OPTIONS', 'NODE_V8_COVERAGE', 'CHAOS_CLOCK_MS']) delete this.env[name]
  }

  /**
   * With a hub, a login by way of the proxy, and projects by `{ name, consent }`. `heard` gets every text that goes to the
   * hub; disks are small where they are to be filled; the hub shares its log by a NATS server where there is one.
   */
  static async open(projects, { heard, areDisksSmall = true, natsProgram = null }) {
    const world = new ChaosWorld(areDisksSmall)
    try {
      if (natsProgram !== null) {
        const folder = join(world.folder, 'nats')
        world.nats = await NatsProcess.start({ program: natsProgram, folder })
      }
      await world.startHub()
      world.proxy = await LinkProxy.open({ host: HUB_ADDRESS, port: world.#hubPort }, heard)
      world.projects = await Promise.all(projects.map((project) => world.#makeProject(project)))
      await world.login()
      return world
    } catch (error) {
      await world.close()
      throw error
    }
  }

  /** Starts a command: `{ child, ended }`, the latter with `{ code, documents, err }`. */
  start(kind, cwd, args, { input = '', env = {} } = {}) {
    const clock =
      this.clockMs === 0
        ? {}
        : { NODE_OPTIONS: `--import=${CLOCK}`, CHAOS_CLOCK_MS: String(this.clockMs) }
    const child = spawn(process.execPath, [MAIN, ...args, '--json'], {
      cwd,
      env: { ...this.env, ...clock, ...env },
      stdio: 'pipe',
    })
    const one = { kind, child, documents: [], err: '' }
    this.#running.add(one)
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
    child.stderr.on('data', (chunk) => (one.err = `${one.err}${chunk}`.slice(-ERR_CHARS_MAX)))
    // The last line of a killed program may be cut short.
    createInterface({ input: child.stdout }).on('line', (line) => {
      const document = parsed(line)
      if (document !== null) one.documents.push(document)
    })
    const ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#running.delete(one)
        resolve({ code: code ?? signal, documents: one.documents, err: one.err })
      })
    })
    return { child, ended, documents: one.documents }
  }

  run(cwd, args, options = {}) {
    return this.start('command', cwd, args, options).ended
  }

  /** The document of a command that must succeed. */
  async ok(cwd, args, input) {
    const env = { KITTIWAKE_AUTO_START: '0' }
    const { code, documents, err } = await this.run(cwd, args, { input, env })
    if (code === 0) return documents[0]
    const said = JSON.stringify(documents[0] ?? null)
    throw new Error(`${args.slice(0, 3).join(' ')} ended with ${code}: ${said} ${err}`)
  }

  async startHub() {
    if (this.isHubUp) return
    const where = ['--host', HUB_ADDRESS, '--port', String(this.#hubPort)]
    const shared = this.nats === null ? [] : ['--backend', 'nats', '--nats', this.nats.url]
    const args = ['hub', 'serve', ...where, '--data', this.dataDir, ...shared]
    this.#hub = this.start('hub', this.folder, args, { env: { NODE_OPTIONS: '' } })
    const { child, documents } = this.#hub
    await until('the hub serves', () => {
      if (child.exitCode !== null) throw new Error(`the hub ended with ${child.exitCode}`)
      return documents.some(({ url }) => url !== undefined)
    })
    this.#hubPort = documents.find(({ url }) => url !== undefined).port
  }

  get isHubUp() {
    return this.#hub !== null && isUp(this.#hub.child)
  }

  /** Waits for its end. */
  async signalHub(signal) {
    if (!this.isHubUp) return
    this.#hub.child.kill(signal)
    if (signal === 'SIGKILL' || signal === 'SIGTERM') await this.#hub.ended
  }

  /** A new token, and a login with it. */
  async login() {
    const who = ['--team', 'coast', '--user', 'keeper', '--data', this.dataDir]
    this.#token = await this.ok(this.folder, ['hub', 'token', 'create', ...who])
    const hub = `http://127.0.0.1:${this.#hubPort}`
    const args = ['auth', 'login', '--hub', hub, '--token-file', '-']
    await this.ok(this.projects[0].root, args, this.#token.token)
  }

  async revoke() {
    const args = ['hub', 'token', 'revoke', this.#token.token_id, '--data', this.dataDir]
    await this.ok(this.folder, args)
  }

  /** The process id of the background process, or null. */
  get background() {
    try {
      const { pid } = JSON.parse(readFileSync(join(this.state, 'background/owner.json'), 'utf8'))
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      return words.includes(MAIN) && words.includes('run') ? pid : null
    } catch {
      return null
    }
  }

  signalBackground(signal) {
    const pid = this.background
    if (pid !== null) kill(pid, signal)
    return pid
  }

  /** `{ kind, pid }` of what runs now. */
  processes() {
    const found = [...this.#running].map(({ kind, child }) => ({ kind, pid: child.pid }))
    const pid = this.background
    return pid === null ? found : [...found, { kind: 'background', pid }]
  }

  git(cwd, ...args) {
    const stdio = ['ignore', 'pipe', 'pipe']
    return execFileSync('git', args, { cwd, env: this.env, encoding: 'utf8', stdio })
  }

  /** Ends what still runs and removes every file. */
  async close() {
    const programs = [...this.#running]
    for (const { child } of programs) {
      child.kill('SIGCONT')
      child.kill('SIGKILL')
    }
    await until('all programs have ended', () => this.#running.size === 0)
    // A command may have started another one at its end.
    for (let tries = 0; tries < 20 && this.background !== null; tries += 1) {
      this.signalBackground('SIGCONT')
      this.signalBackground('SIGKILL')
      await pause(LOOK_MS)
    }
    await this.proxy?.close()
    await this.nats?.kill()
    for (const disk of [this.machineDisk, this.hubDisk]) disk.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #makeProject({ name, consent }) {
    const root = join(this.machineDisk.folder, name)
    execFileSync('git', ['init', '-q', '-b', 'main', root], { env: this.env })
    writeFileSync(join(root, 'README.md'), `# ${name}\n`)
    this.git(root, 'add', '.')
    this.git(root, 'commit', '-q', '-m', 'Start')
    const { project } = await this.ok(root, ['init'])
    const { mission_slug } = await this.ok(root, ['mission', 'create', 'first'])
    await this.ok(root, ['wp', 'create', 'WP01', '--mission', mission_slug])
    await this.ok(root, ['hooks', 'install'])
    if (consent !== 'never') await this.ok(root, ['sync', 'opt-in'])
    const canary = `${name}-canary`
    const period = consent === 'changing' ? 'period-0-in' : null
    return { name, consent, root, uuid: project.uuid, mission: mission_slug, canary, period }
  }
}

export function isUp(child) {
  return child.exitCode === null && child.signalCode === null
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Looks again and again; rejects after `withinMs`. */
export async function until(what, look, withinMs = UP_WITHIN_MS) {
  const deadline = performance.now() + withinMs
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
    await pause(LOOK_MS)
  }
}

function kill(pid, signal) {
  try {
    process.kill(pid, signal)
  } catch {
    // It has just ended.
  }
}

function parsed(line) {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
