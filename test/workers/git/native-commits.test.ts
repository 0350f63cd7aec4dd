/** Commits made by whatever program: which of them are this clone's own, and what becomes of their frames. */
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Ledger } from '#dist/workers/git/ledger.js'
import { peekFrames } from '#dist/workers/git/peek-frames.js'
import { IDENTITY, LedgerRepository } from '../../support/ledger-repository.ts'

/** A clone with a mission, another clone of somebody else, and the repository that both push to. */
class World {
  readonly own = new LedgerRepository()
  readonly mission = this.own.createMission('first')
  readonly branch = this.own.branch(this.mission)
  readonly ledger: Ledger = this.own.ledger()
  readonly base: string
  readonly #folder = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-world-')))
  #files = 0

  constructor() {
    this.own.git.git('clone', '-q', '--bare', this.own.root, join(this.#folder, 'hub.git'))
    this.own.git.git('remote', 'add', 'origin', join(this.#folder, 'hub.git'))
    this.git('config', 'pull.rebase', 'false')
    this.own.git.git('clone', '-q', '-b', this.branch, join(this.#folder, 'hub.git'), this.other)
    this.git('fetch', '-q', 'origin')
    this.git('branch', '-q', '--set-upstream-to', `origin/${this.branch}`)
    this.base = this.tip()
  }

  get other(): string {
    return join(this.#folder, 'other')
  }

  get worktree(): string {
    return this.own.placement(this.mission).worktree
  }

  git(...args: string[]): string {
    return this.own.git.gitIn(this.worktree, ...args).trim()
  }

  theirs(...args: string[]): string {
    return this.own.git.gitIn(this.other, ...args).trim()
  }

  tip(): string {
    return this.git('rev-parse', this.branch)
  }

  /** One file of its own, so that nothing ever conflicts. */
  write(folder: string, touching: boolean): void {
    const path = touching ? `kitty-specs/${this.mission}` : 'src'
    this.own.git.write(`${path}/file-${(this.#files += 1)}`, `${this.#files}\n`, folder)
  }

  commit(touching = true): string {
    this.write(this.worktree, touching)
    this.git('add', '-A')
    this.git('commit', '-qm', `Own ${this.#files}`)
    return this.git('rev-parse', 'HEAD')
  }

  /** Somebody else's commit on the shared branch, pushed. */
  theirCommit(touching = true): string {
    this.theirs('fetch', '-q', 'origin')
    this.theirs('reset', '-q', '--hard', `origin/${this.branch}`)
    this.write(this.other, touching)
    this.theirs('add', '-A')
    this.theirs('commit', '-qm', `Their ${this.#files}`)
    this.theirs('push', '-q', '-f', 'origin', `HEAD:${this.branch}`)
    return this.theirs('rev-parse', 'HEAD')
  }

  push(): void {
    this.git('push', '-q', '-f', 'origin', this.branch)
  }

  async pending(): Promise<string[]> {
    return (await this.ledger.frames()).map(({ git_hash }) => git_hash)
  }

  superseded(): Record<string, string | null> {
    const text = readFileSync(join(this.own.root, '.kittify/sync-state.json'), 'utf8')
    const state = JSON.parse(text) as {
      superseded_local_commits?: { git_hash: string; replaced_by: string | null }[]
    }
    return Object.fromEntries(
      (state.superseded_local_commits ?? []).map(({ git_hash, replaced_by }) => [
        git_hash,
        replaced_by,
      ]),
    )
  }

  loseSyncState(): void {
    rmSync(join(this.own.root, '.kittify/sync-state.json'), { force: true })
  }

  remove(): void {
    this.own.remove()
    rmSync(this.#folder, { recursive: true })
  }
}

let world: World
beforeEach(async () => {
  world = new World()
  await world.ledger.frames()
})
afterEach(() => world.remove())

describe('a commit of this clone', () => {
  it('that is amended is replaced by the new one, over several amends', async () => {
    const old = world.commit()
    expect(await world.pending()).toEqual([old])
    world.git('commit', '-q', '--amend', '-m', 'Once')
    world.write(world.worktree, true)
    world.git('add', '-A')
    world.git('commit', '-q', '--amend', '-m', 'Twice')
    expect(await world.pending()).toEqual([world.tip()])
    expect(world.superseded()).toEqual({ [old]: world.tip() })
  })

  it('that is squashed with another names the one that holds both', async () => {
    const [one, two] = [world.commit(), world.commit()]
    await world.pending()
    world.git('reset', '-q', '--soft', world.base)
    world.git('commit', '-qm', 'Both')
    expect(await world.pending()).toEqual([world.tip()])
    expect(world.superseded()).toMatchObject({ [one]: world.tip(), [two]: null })
  })

  it('that the branch leaves is pending no more, until the branch comes back to it', async () => {
    const [one, two] = [world.commit(), world.commit()]
    expect(await world.pending()).toEqual([one, two])
    world.git('reset', '-q', '--hard', one)
    expect(await world.pending()).toEqual([one])
    expect(world.superseded()).toEqual({ [two]: null })
    world.git('reset', '-q', '--hard', two)
    expect(await world.pending()).toEqual([one, two])
    expect(world.superseded()).toEqual({})
  })

  it('that the hub has confirmed is announced by no movement again, and by no loss', async () => {
    const [one, two] = [world.commit(), world.commit()]
    await world.ledger.confirm(await world.pending())
    world.git('reset', '-q', '--hard', one)
    expect(await world.pending()).toEqual([])
    world.git('reset', '-q', '--hard', two)
    expect(await world.pending()).toEqual([])
    world.loseSyncState()
    const three = world.commit()
    expect(await world.pending()).toEqual([three])
    rmSync(join(world.own.commonDir, 'kittiwake/branches.json'))
    world.loseSyncState()
    await world.pending()
    const four = world.commit()
    expect(await world.pending()).toContain(four)
    expect(await world.pending()).not.toContain(one)
  })

  it('counts once it comes to the branch: by a fast-forward, a merge, a squash, a pick', async () => {
    world.git('switch', '-qc', 'topic')
    const [one, two] = [world.commit(), world.commit()]
    expect(await world.pending()).toEqual([])
    world.git('switch', '-q', world.branch)
    world.git('merge', '-q', '--ff-only', 'topic')
    expect(await world.pending()).toEqual([one, two])
    world.git('switch', '-q', 'topic')
    const side = world.commit()
    world.git('switch', '-q', world.branch)
    world.git('merge', '-q', '--no-ff', '--no-edit', 'topic')
    const merge = world.tip()
    // The merge tells of what it brought.
    expect(await world.pending()).toEqual([one, two, merge])
    world.git('switch', '-q', 'topic')
    world.commit()
    const picked = world.commit()
    world.git('switch', '-q', world.branch)
    world.git('cherry-pick', picked)
    const pick = world.tip()
    world.git('merge', '-q', '--squash', 'topic')
    world.git('commit', '-qm', 'Squashed')
    expect(await world.pending()).toEqual([one, two, merge, pick, world.tip()])
    expect(await world.pending()).not.toContain(side)
  })

  it('counts where plumbing made it, or a log is not kept', async () => {
    world.git('config', 'core.logAllRefUpdates', 'false')
    rmSync(join(world.own.commonDir, 'logs'), { recursive: true })
    rmSync(join(world.own.placement(world.mission).gitDir, 'logs'), { recursive: true })
    const one = world.commit()
    expect(await world.pending()).toEqual([one])
    const tree = world.git('rev-parse', 'HEAD^{tree}')
    const plumbed = world.git('commit-tree', tree, '-p', 'HEAD', '-m', 'Empty')
    world.git('update-ref', `refs/heads/${world.branch}`, plumbed)
    const two = world.commit()
    world.git('commit', '-q', '--amend', '-m', 'Anew')
    expect(await world.pending()).toEqual([one, world.tip()])
    expect(two).not.toBe(world.tip())
  })

  it('of a branch that is gone is pending no more, and is again once there is one that has it', async () => {
    const one = world.commit()
    expect(await world.pending()).toEqual([one])
    world.git('switch', '-q', '--detach')
    world.git('branch', '-q', '-D', world.branch)
    expect(await world.pending()).toEqual([])
    world.git('switch', '-qc', world.branch)
    expect(await world.pending()).toEqual([one])
  })

  it('stays pending where only another mission’s branch still has it', async () => {
    const second = world.own.createMission('second')
    await world.pending()
    const one = world.commit()
    expect(await world.pending()).toEqual([one])
    const { worktree } = world.own.placement(second)
    world.own.git.gitIn(worktree, 'merge', '-q', '--ff-only', world.branch)
    expect(await world.pending()).toEqual([one])
    world.git('reset', '-q', '--hard', world.base)
    expect(await world.pending()).toEqual([one])
    world.own.git.gitIn(worktree, 'reset', '-q', '--hard', world.base)
    world.git('reset', '-q', '--hard', one)
    expect(await world.pending()).toEqual([one])
  })

  it('is announced by the merge of a side line once, where the branch had made it before', async () => {
    const one = world.commit()
    world.git('reset', '-q', '--hard', world.base)
    const two = world.commit()
    expect(await world.pending()).toEqual([two])
    world.git('merge', '-q', '--no-edit', one)
    expect([...(await world.pending())].sort()).toEqual([one, two, world.tip()].sort())
    expect((await world.pending()).at(-1)).toBe(world.tip())
  })
})

describe('a commit of somebody else', () => {
  it.each([
    ['pulled', ['pull', '-q', '--ff-only']],
    ['fetched and merged', ['merge', '-q', '--ff-only', '@{upstream}']],
    ['fetched and reset to', ['reset', '-q', '--hard', '@{upstream}']],
    ['fetched and rebased onto', ['rebase', '-q', '@{upstream}']],
  ])('that is %s is none of ours', async (_, command) => {
    world.theirCommit()
    world.git('fetch', '-q')
    world.git(...command)
    expect(await world.pending()).toEqual([])
    const own = world.commit()
    world.git('commit', '-q', '--amend', '-m', 'Anew')
    expect(await world.pending()).toEqual([world.tip()])
    expect(own).not.toBe(world.tip())
  })

  it('that a pull merges is none of ours, and ours stay', async () => {
    const own = world.commit()
    world.theirCommit()
    world.git('pull', '-q', '--no-rebase', '--no-edit')
    expect(await world.pending()).toEqual([own])
    const next = world.commit()
    expect(await world.pending()).toEqual([own, next])
  })

  it('that a pull puts beneath ours is none of ours, and the moved ones are', async () => {
    const [one, two] = [world.commit(), world.commit()]
    expect(await world.pending()).toEqual([one, two])
    const theirs = world.theirCommit()
    world.git('pull', '-q', '--rebase')
    const moved = world.git('rev-list', '--reverse', `${theirs}..HEAD`).split('\n')
    expect(await world.pending()).toEqual(moved)
    expect(world.superseded()).toEqual({ [one]: moved[0], [two]: moved[1] })
  })

  it('is told apart from ours that came back with theirs', async () => {
    const own = world.commit()
    world.push()
    const theirs = world.theirCommit()
    world.git('pull', '-q', '--ff-only')
    world.git('commit', '-q', '--allow-empty', '-m', 'Empty')
    world.git('commit', '-q', '--amend', '--allow-empty', '-m', 'Other')
    expect(await world.pending()).toEqual([own])
    expect(world.tip()).not.toBe(theirs)
  })

  it('is none of ours in a clone that keeps no logs, as long as the remote has it', async () => {
    world.git('config', 'core.logAllRefUpdates', 'false')
    rmSync(join(world.own.commonDir, 'logs'), { recursive: true })
    rmSync(join(world.own.placement(world.mission).gitDir, 'logs'), { recursive: true })
    world.theirCommit()
    world.git('pull', '-q', '--ff-only')
    const own = world.commit()
    expect(await world.pending()).toEqual([own])
  })
})

/** How many random ones; each takes a second. */
const HISTORIES = Number(process.env['HISTORIES'] ?? 6)

type Act =
  | 'commit'
  | 'commit elsewhere'
  | 'ours'
  | 'amend'
  | 'switch'
  | 'side here'
  | 'merge'
  | 'merge apart'
  | 'squash'
  | 'rebase on side'
  | 'rebase on theirs'
  | 'back'
  | 'undo'
  | 'pick'
  | 'push'
  | 'theirs'
  | 'fetch'
  | 'pull'
  | 'pull rebase'
  | 'to theirs'
  | 'confirm'
  | 'lose state'

const ACTS: readonly Act[] = [
  'commit',
  'commit',
  'commit elsewhere',
  'ours',
  'amend',
  'switch',
  'side here',
  'merge',
  'merge apart',
  'squash',
  'rebase on side',
  'rebase on theirs',
  'back',
  'undo',
  'pick',
  'push',
  'theirs',
  'theirs',
  'fetch',
  'pull',
  'pull rebase',
  'to theirs',
  'confirm',
  'lose state',
]

/** What the test knows by having done it: who made each commit, and over which the branch went by this clone's own doing. */
class Model {
  readonly #world: World
  readonly #makerByCommit = new Map<string, 'own' | 'theirs' | 'pull'>()
  readonly #own = new Set<string>()
  readonly #touching = new Map<string, boolean>()
  readonly confirmed = new Set<string>()

  constructor(made: World) {
    this.#world = made
    for (const oid of this.#all()) this.#makerByCommit.set(oid, 'theirs')
  }

  /** Does one thing and takes note of it. What git refuses to do changes nothing. */
  async act(act: Act, pick: number): Promise<void> {
    const before = this.#world.tip()
    await perform(this.#world, act, pick, this)
    if (act === 'theirs') this.#makerByCommit.set(this.#world.theirs('rev-parse', 'HEAD'), 'theirs')
    for (const oid of this.#all()) {
      if (this.#makerByCommit.has(oid)) continue
      this.#makerByCommit.set(oid, act === 'pull' ? 'pull' : 'own')
    }
    const after = this.#world.tip()
    if (before === after || act === 'pull' || act === 'fetch') return
    for (const oid of this.#list('--first-parent', after, `^${this.#world.base}`)) {
      if (this.#makerByCommit.get(oid) === 'own') this.#own.add(oid)
    }
  }

  pending(): string[] {
    const { base, branch } = this.#world
    return this.#list(branch, `^${base}`)
      .filter((oid) => this.#own.has(oid) && !this.confirmed.has(oid) && this.#touches(oid))
      .sort()
  }

  /** Whether no commit stands before one that it is built on. */
  isInOrder(hashes: readonly string[]): boolean {
    const position = new Map(
      this.#list('--topo-order', '--reverse', this.#world.branch).map((oid, at) => [oid, at]),
    )
    return hashes.every((later, at) =>
      hashes.slice(0, at).every((earlier) => {
        if ((position.get(earlier) ?? 0) < (position.get(later) ?? 0)) return true
        return this.#world.own.git.tryGit('merge-base', '--is-ancestor', later, earlier).code !== 0
      }),
    )
  }

  #touches(oid: string): boolean {
    const known = this.#touching.get(oid)
    if (known !== undefined) return known
    const files = this.#world.git(
      'diff-tree',
      '-r',
      '--name-only',
      `${oid}^1`,
      oid,
      '--',
      'kitty-specs',
    )
    this.#touching.set(oid, files !== '')
    return files !== ''
  }

  #all(): string[] {
    return this.#list('--all', '--reflog')
  }

  #list(...args: string[]): string[] {
    return this.#world
      .git('rev-list', ...args)
      .split('\n')
      .filter(Boolean)
  }
}

async function perform(made: World, act: Act, pick: number, model: Model): Promise<void> {
  const tolerant = (...args: string[]): void => {
    try {
      made.git(...args)
    } catch {
      for (const what of ['merge', 'rebase', 'cherry-pick']) {
        try {
          made.git(what, '--abort')
        } catch {
          continue
        }
      }
    }
  }
  const here = made.git('branch', '--show-current')
  switch (act) {
    case 'commit':
      return void made.commit()
    case 'commit elsewhere':
      return void made.commit(false)
    case 'ours':
      if (here === made.branch) await made.own.decide(made.ledger, made.mission)
      return
    case 'amend':
      if (made.git('rev-parse', 'HEAD') === made.base) return
      made.write(made.worktree, pick % 2 === 0)
      made.git('add', '-A')
      return tolerant('commit', '-q', '--amend', '-m', `Amended ${pick}`)
    case 'switch':
      return tolerant('switch', '-q', here === made.branch ? 'side' : made.branch)
    case 'side here':
      if (here !== 'side') tolerant('branch', '-q', '-f', 'side')
      return
    case 'merge':
      return tolerant('merge', '-q', '--no-edit', 'side')
    case 'merge apart':
      return tolerant('merge', '-q', '--no-ff', '--no-edit', 'side')
    case 'squash':
      tolerant('merge', '-q', '--squash', 'side')
      return tolerant('commit', '-qm', 'Squashed')
    case 'rebase on side':
      return tolerant('rebase', '-q', here === made.branch ? 'side' : made.branch)
    case 'rebase on theirs':
      return tolerant('rebase', '-q', `origin/${made.branch}`)
    case 'back':
      if (made.git('merge-base', 'HEAD', made.base) !== made.base) return
      if (made.git('rev-parse', 'HEAD') === made.base) return
      return tolerant('reset', '-q', '--hard', 'HEAD^')
    case 'undo':
      return tolerant('reset', '-q', '--hard', `${here}@{1}`)
    case 'pick':
      return tolerant('cherry-pick', pick % 2 === 0 ? 'side' : `origin/${made.branch}`)
    case 'push':
      return made.push()
    case 'theirs':
      return void made.theirCommit(pick % 3 !== 0)
    case 'fetch':
      return void made.git('fetch', '-q')
    case 'pull':
      if (here === made.branch) tolerant('pull', '-q', '--no-edit')
      return
    case 'pull rebase':
      if (here === made.branch) tolerant('pull', '-q', '--rebase')
      return
    case 'to theirs':
      return tolerant('reset', '-q', '--hard', `origin/${made.branch}`)
    case 'confirm': {
      const pending = await made.pending()
      const some = pending.filter((_, at) => (at + pick) % 3 !== 0)
      await made.ledger.confirm(some)
      for (const oid of some) model.confirmed.add(oid)
      return
    }
    case 'lose state':
      return made.loseSyncState()
  }
}

async function expectPending(acts: readonly (readonly [Act, number])[]): Promise<void> {
  const made = new World()
  try {
    await made.ledger.frames()
    made.git('branch', '-q', 'side')
    const model = new Model(made)
    for (const [at, [act, pick]] of acts.entries()) {
      await model.act(act, pick)
      const story = acts
        .slice(0, at + 1)
        .map(String)
        .join('; ')
      const peeked = await peekFrames(made.own.root, made.own.commonDir, IDENTITY)
      const pending = await made.pending()
      expect({ story, pending: [...pending].sort() }).toEqual({ story, pending: model.pending() })
      expect({ story, pending: [...peeked.pending].sort() }).toEqual({
        story,
        pending: model.pending(),
      })
      expect(model.isInOrder(pending), story).toBe(true)
    }
  } finally {
    made.remove()
  }
}

describe('random histories', () => {
  const acts = fc.array(fc.tuple(fc.constantFrom(...ACTS), fc.nat(5)), {
    minLength: 4,
    maxLength: 12,
  })

  test.prop([acts], { numRuns: HISTORIES, endOnFailure: true })(
    'leave pending what is reachable, ours and not confirmed, after each step',
    expectPending,
    HISTORIES * 10_000,
  )
})
