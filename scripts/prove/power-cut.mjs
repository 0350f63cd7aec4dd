#!/usr/bin/env node
// Cuts the power of a command, replayed: all that it and what it starts change on the disk is written down, the disk is built again
// as a cut may have left it, and the next command must heal. No real power is cut: what a disk that lies about its
// fsync does is not met, nor what a file system does that keeps less than `WAYS` say.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Random } from '../chaos/random.mjs'
import { acknowledgedBy, argsAfter, placeOf, WRITING } from '../kill-scenarios.mjs'
import { MissionWorld } from '../mission-world.mjs'
import { judge } from './invariants.mjs'
import { cutReflogs, missionEvidence, reflogsOf } from './mission-evidence.mjs'
import { Disk, keeperOf, readRecord, WAYS } from './disk-model.mjs'

const SOURCE = fileURLToPath(new URL('disk-recorder.c', import.meta.url))
/** These take what was prepared, of which a disk that is built again knows nothing. */
const TAKING = new Set(['an answer', 'a resolution'])

export { WAYS }

/** A world whose commands are recorded and cut. */
export class PowerCut {
  #folder = mkdtempSync(join(tmpdir(), 'kittiwake-power-'))
  #world
  cuts = 0
  faults = []

  /** Null where commands can be recorded here, else the reason why not. */
  static obstacle() {
    if (process.platform !== 'linux') return 'needs Linux'
    return spawnSync('cc', ['--version']).status === 0 ? null : 'needs a C compiler, `cc`'
  }

  constructor(world) {
    this.#world = world
    const args = ['-O2', '-shared', '-fPIC', '-o', this.#in('recorder.so'), SOURCE, '-ldl']
    const { status, stderr } = spawnSync('cc', args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`the recorder can't be compiled: ${stderr}`)
  }

  static async open() {
    const world = await MissionWorld.open()
    await world.prepare('packages', 'questions', 'terms')
    world.rememberIndex()
    return new PowerCut(world)
  }

  /**
   * Runs such a command with its power on.
   *
   * @returns `{ scenario, subject, disk, record, saidAt, acknowledged, before, document }`; from change `saidAt` on it had said
   * what it did, in the document; `before` are the reflogs
   */
  async record(scenario) {
    const world = this.#world
    const { take, args } = WRITING[scenario]
    const subject = await take(world)
    const disk = new Disk(world.home, this.#in('before'))
    const before = reflogsOf(world)
    const place = placeOf(world, { scenario, subject })
    const { code, document } = await world.attempt(args(world, subject), this.#env(), place)
    if (code !== 0) throw new Error(`${scenario} ended with ${code}`)
    const record = readRecord(readFileSync(this.#in('record')))
    const strays = disk.strays(record)
    if (strays.length > 0) this.faults.push(`${scenario}: the record lacks ${strays.join(', ')}`)
    const saidAt = record.findIndex(({ what, bytes }) => what === 'said' && bytes.includes('{"'))
    const acknowledged = acknowledgedBy(document)
    return { scenario, subject, disk, record, saidAt, acknowledged, before, document }
  }

  /** Cuts it after its first `at` changes, and has all judged. */
  async cut(run, { at, way, random, next }) {
    const { scenario, subject, disk, record, saidAt, acknowledged, before, document } = run
    const world = this.#world
    const name = `${scenario}, power cut after change ${at} of ${record.length}, ${way}, ${next}`
    const blame = (faults) => this.faults.push(...faults.map((fault) => `${name}: ${fault}`))
    disk.build(disk.after(record, at, keeperOf(disk, record, at, { way, random })))
    world.seen = { held: new Set(), tip: 'main', commits: [] }
    this.cuts += 1
    blame(world.gitFaults())
    const isSaid = saidAt >= 0 && at > saidAt
    const { left = () => [], check = () => [] } = WRITING[scenario]
    blame(await left(world, subject, isSaid ? document : null))
    const from = world.git(world.root, 'rev-parse', world.branch).trim()
    const known = isSaid && acknowledged !== null ? [acknowledged] : []
    for (const follower of [next].flat()) {
      const args = await argsAfter(world, { scenario, subject }, follower)
      const isSame = follower === 'the same'
      const where = isSame ? placeOf(world, { scenario, subject }) : {}
      const ended = await world.attempt(args, {}, where)
      const { error = null } = ended.document ?? {}
      const isRefused = isSame && error !== null && error.code === WRITING[scenario].refused
      if (ended.code !== 0 && !isRefused) {
        blame([`the next command ended with ${ended.code}: ${JSON.stringify(error)}`])
      }
      const one = acknowledgedBy(ended.document)
      if (one !== null) known.push(one)
    }
    const isLedgerIdle = [next].flat().at(-1) === 'an event'
    const evidence = await missionEvidence(world, known, isLedgerIdle)
    // Nobody makes sure of reflogs, native git neither: they are judged by what a cut may take.
    const { complaints, reflogs } = cutReflogs(world, { before, from })
    blame(complaints)
    const git = { ...evidence.git, reflogs: [] }
    blame(judge({ ...evidence, git, cut: { reflogs } }).faults)
    if ([next].flat().includes('the same')) blame(await check(world, subject))
  }

  /** The world is as it was before the command. */
  restore({ disk }) {
    disk.restore()
  }

  close() {
    this.#world.remove()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #in(name) {
    return join(this.#folder, name)
  }

  #env() {
    writeFileSync(this.#in('record'), '')
    writeFileSync(this.#in('lock'), Buffer.alloc(8))
    return {
      LD_PRELOAD: this.#in('recorder.so'),
      RECORD_TO: this.#in('record'),
      RECORD_LOCK: this.#in('lock'),
      RECORD_UNDER: `${this.#world.home}/`,
    }
  }
}

/** Commands of which all that changes the disk is seen. */
export const RECORDABLE = Object.keys(WRITING).filter(
  (name) => WRITING[name].isRecordable !== false,
)

/** What may come after a cut of such a command. */
export function followersOf(scenario) {
  return WRITING[scenario].next.filter((next) => ![next].flat().some((one) => TAKING.has(one)))
}

/** Each command once, cut `cuts` times by chance; `isOver` is asked after each. Answers the hits. */
export async function cutByChance(power, random, { names = RECORDABLE, cuts, isOver }) {
  const hits = []
  for (const scenario of names) {
    if (isOver()) break
    const run = await power.record(scenario)
    const before = power.cuts
    for (let done = 0; done < cuts && !isOver(); done += 1) {
      // What was said just before the cut is what counts most.
      const { length } = run.record
      const at = random.next() < 0.2 ? length : random.between(0, length)
      const way = random.pick(Object.keys(WAYS))
      await power.cut(run, { at, way, random, next: random.pick(followersOf(scenario)) })
    }
    power.restore(run)
    hits.push({ scenario, changes: run.record.length, count: power.cuts - before })
  }
  return hits
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2))

/** `--only NAME`: this command alone; `--cuts N`: of each; `--seed N`. */
async function main(args) {
  const valueOf = (option, otherwise) =>
    args.includes(option) ? args[args.indexOf(option) + 1] : otherwise
  const names = args.includes('--only') ? [valueOf('--only')] : RECORDABLE
  const cuts = Number(valueOf('--cuts', '40'))
  const seed = Number(valueOf('--seed', String(Math.floor(Math.random() * 2 ** 31))))
  const isKnown = names.every((name) => RECORDABLE.includes(name)) && Number.isSafeInteger(seed)
  if (!isKnown || !Number.isSafeInteger(cuts) || cuts < 1) {
    console.error('usage: power-cut.mjs [--only NAME] [--cuts N] [--seed N]')
    process.exit(2)
  }
  const obstacle = PowerCut.obstacle()
  if (obstacle !== null) {
    console.log(`not run: ${obstacle}`)
    return
  }
  const { prepare } = await import('../prepare.mjs')
  if (process.env.KITTIWAKE_BUILT !== '1') prepare()
  console.log(`seed ${seed}`)
  const power = await PowerCut.open()
  const random = new Random(seed)
  try {
    for (const name of names) {
      const before = power.faults.length
      const [hit] = await cutByChance(power, random, { names: [name], cuts, isOver: () => false })
      const wrong = power.faults.length - before
      console.log(`${name}: ${hit.changes} changes, ${hit.count} cuts, ${wrong} faults`)
    }
    for (const fault of power.faults) console.error(fault)
    console.log(`${power.cuts} cuts, ${power.faults.length} faults`)
    if (power.faults.length > 0) process.exitCode = 1
  } finally {
    power.close()
  }
}
