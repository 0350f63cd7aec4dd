/** Random histories of real git: after each step the pending frames are those that a simple model expects. */
import { describe, expect } from 'vitest'
import { peekFrames } from '#dist/workers/git/frames/peek-frames.js'
import { CloneWorld } from '../../support/clone-world.ts'
import { IDENTITY } from '../../support/ledger-repository.ts'
import { fc, property } from '../../support/property.ts'

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
  | 'pull address'
  | 'to side'
  | 'revert'
  | 'detached'
  | 'recreate'
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
  'pull address',
  'to side',
  'to side',
  'revert',
  'detached',
  'recreate',
  'confirm',
  'lose state',
]

/** What the test knows by having done it: who made each commit, and over which the branch went by this clone's own doing. */
class Model {
  readonly #world: CloneWorld
  readonly #makerByCommit = new Map<string, 'own' | 'theirs' | 'pull'>()
  readonly #own = new Set<string>()
  readonly #touching = new Map<string, boolean>()
  readonly confirmed = new Set<string>()

  constructor(made: CloneWorld) {
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
    // With a branch goes its log.
    if (act === 'recreate') this.#own.clear()
    if (before === after && act !== 'recreate') return
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

async function perform(made: CloneWorld, act: Act, pick: number, model: Model): Promise<void> {
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
    case 'pull address':
      made.git('fetch', '-q', made.other, 'HEAD')
      return tolerant('merge', '-q', '--ff-only', 'FETCH_HEAD')
    case 'to side':
      return tolerant('reset', '-q', '--hard', 'side')
    case 'revert':
      return tolerant('revert', '--no-edit', 'HEAD')
    case 'detached':
      made.git('switch', '-q', '--detach', here)
      made.commit(pick % 3 !== 0)
      if (pick % 2 === 0) made.git('branch', '-q', '-f', here, 'HEAD')
      return void made.git('switch', '-q', here)
    case 'recreate':
      made.git('switch', '-q', '--detach', made.branch)
      made.git('branch', '-q', '-D', made.branch)
      if (pick > 2) await made.pending()
      return void made.git('switch', '-q', '-c', made.branch, pick % 2 === 0 ? 'side' : 'HEAD')
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

type Step = readonly [Act, number, boolean]

/** Nothing is looked at after some of the steps, so that several come together. */
async function expectPending(acts: readonly Step[]): Promise<void> {
  const made = new CloneWorld()
  try {
    await made.ledger.frames()
    made.git('branch', '-q', 'side')
    const model = new Model(made)
    for (const [at, [act, pick, isLookedAt]] of acts.entries()) {
      await model.act(act, pick)
      if (!isLookedAt && at < acts.length - 1) continue
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
  const acts = fc.array(fc.tuple(fc.constantFrom(...ACTS), fc.nat(5), fc.boolean()), {
    minLength: 4,
    maxLength: 16,
  })

  property([acts], { numRuns: HISTORIES, endOnFailure: true })(
    'leave pending what is reachable, ours and not confirmed, after each step',
    expectPending,
    HISTORIES * 10_000,
  )
})
