/** Rare ways of git to move a mission's branch, and what is left to tell by when its memory is gone. */
import { execFileSync } from 'node:child_process'
import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HISTORY_COMMITS_MAX } from '#dist/workers/git/objects/history.js'
import { CloneWorld } from '../../support/clone-world.ts'

let world: CloneWorld
beforeEach(async () => {
  world = new CloneWorld()
  await world.ledger.frames()
})
afterEach(() => world.remove())

/** A merge on the mission's branch that brought a side line of one commit: the commit, and the merge. */
const mergeSide = (): { side: string; merge: string } => {
  world.git('switch', '-qc', 'side')
  const side = world.commit()
  world.git('switch', '-q', world.branch)
  world.git('merge', '-q', '--no-ff', '--no-edit', 'side')
  return { side, merge: world.tip() }
}

describe('a mission’s branch', () => {
  it('counts no commit on a detached HEAD until it has it', async () => {
    world.git('switch', '-q', '--detach')
    const one = world.commit()
    expect(await world.pending()).toEqual([])
    world.git('branch', '-qf', world.branch, 'HEAD')
    expect(await world.pending()).toEqual([one])
  })

  it('counts what another worktree made on another branch once it is set to it', async () => {
    const { worktree } = world.own.placement(world.own.createMission('second'))
    world.own.git.gitIn(worktree, 'switch', '-qc', 'elsewhere', world.branch)
    world.write(worktree, true)
    world.own.git.gitIn(worktree, 'add', '-A')
    world.own.git.gitIn(worktree, 'commit', '-qm', 'Elsewhere')
    expect(await world.pending()).toEqual([])
    world.git('merge', '-q', '--ff-only', 'elsewhere')
    const one = world.tip()
    world.own.git.git('worktree', 'remove', '--force', worktree)
    expect(await world.pending()).toEqual([one])
  })

  it('counts an octopus and a revert as one commit each', async () => {
    const sides = ['one', 'two'].map((name) => {
      world.git('switch', '-qc', name, world.base)
      return world.commit()
    })
    world.git('switch', '-q', world.branch)
    const own = world.commit()
    world.git('merge', '-q', '--no-edit', 'one', 'two')
    const octopus = world.tip()
    world.git('revert', '--no-edit', own)
    expect(await world.pending()).toEqual([own, octopus, world.tip()])
    expect(world.git('rev-list', '--parents', '-1', octopus).split(' ')).toHaveLength(4)
    expect(await world.pending()).not.toEqual(expect.arrayContaining(sides))
  })

  it('that is renamed has nothing pending until it has its name again', async () => {
    const one = world.commit()
    expect(await world.pending()).toEqual([one])
    world.git('branch', '-qm', 'renamed')
    expect(await world.pending()).toEqual([])
    world.git('branch', '-qm', world.branch)
    expect(await world.pending()).toEqual([one])
  })

  it('takes no merge for its side line when it is set from the one to the other', async () => {
    const { side, merge } = mergeSide()
    expect(await world.pending()).toEqual([merge])
    world.git('reset', '-q', '--hard', side)
    expect(await world.pending()).toEqual([side])
    world.git('reset', '-q', '--hard', merge)
    expect(await world.pending()).toEqual([side, merge])
  })

  it('counts a side line that it was set to and left again between two looks', async () => {
    const { side, merge } = mergeSide()
    expect(await world.pending()).toEqual([merge])
    world.git('reset', '-q', '--hard', side)
    world.git('reset', '-q', '--hard', merge)
    const next = world.commit()
    expect(await world.pending()).toEqual([side, merge, next])
  })

  it('counts what it was moved over by a commit that it has left', async () => {
    world.git('switch', '-qc', 'side')
    const [one, two] = [world.commit(), world.commit()]
    world.git('switch', '-q', world.branch)
    world.git('merge', '-q', '--ff-only', 'side')
    world.git('reset', '-q', '--hard', world.base)
    world.git('merge', '-q', '--no-ff', '--no-edit', one)
    expect(await world.pending()).toEqual([one, world.tip()])
    expect(await world.pending()).not.toContain(two)
  })
})

describe('what a branch was before', () => {
  it('counts an amended commit that a merge brings back', async () => {
    const one = world.commit()
    world.git('commit', '-q', '--amend', '-m', 'Anew')
    const two = world.tip()
    world.git('merge', '-q', '--no-edit', '-s', 'ours', one)
    expect([...(await world.pending())].sort()).toEqual([one, two].sort())
  })

  it('is announced by no way back, even where what was acknowledged is forgotten', async () => {
    const [one] = [world.commit(), world.commit(), world.commit(), world.commit()]
    await world.ledger.confirm(await world.pending())
    rmSync(join(world.own.commonDir, 'kittiwake/acknowledged'))
    world.git('reset', '-q', '--hard', one)
    expect(await world.pending()).toEqual([])
  })

  it('does not count where it is older than the mission, as a side line too', async () => {
    const { worktree, ref } = world.own.placement(world.own.createMission('second'))
    const { side, merge } = mergeSide()
    world.own.git.gitIn(worktree, 'merge', '-q', '--ff-only', merge)
    expect(await world.pending()).toEqual([merge])
    await world.ledger.confirm([merge])
    world.own.git.gitIn(worktree, 'reset', '-q', '--hard', side)
    expect(world.git('rev-parse', ref)).toBe(side)
    expect(await world.pending()).toEqual([])
  })
})

describe('a branch that missions share', () => {
  const main = (...args: string[]): string => world.own.git.git(...args).trim()
  const commitOnMain = (): string => {
    world.write(world.own.root, true)
    main('add', 'kitty-specs')
    main('commit', '-qm', 'On main')
    return main('rev-parse', 'main')
  }

  it('keeps what one has pending when another’s beginning is taken off it', async () => {
    world.own.createShared('a')
    await world.pending()
    const one = commitOnMain()
    expect(await world.pending()).toEqual([one])
    const gone = commitOnMain()
    world.own.createShared('b')
    await world.own.ledger({ identity: async () => null }).frames()
    main('reset', '-q', '--hard', one)
    const two = commitOnMain()
    expect(await world.pending()).toEqual([one, two])
    expect(await world.pending()).not.toContain(gone)
  })
})

describe('a frame that only another mission’s branch kept', () => {
  it('goes once that one has left its commit too', async () => {
    const second = world.own.createMission('second')
    const { worktree } = world.own.placement(second)
    await world.pending()
    const one = world.commit()
    world.own.git.gitIn(worktree, 'merge', '-q', '--ff-only', world.branch)
    expect(await world.pending()).toEqual([one])
    world.git('reset', '-q', '--hard', world.base)
    expect(await world.pending()).toEqual([one])
    world.own.git.gitIn(worktree, 'reset', '-q', '--hard', world.base)
    expect(await world.pending()).toEqual([])
    expect(world.superseded()).toEqual({ [one]: null })
  })

  it('goes with that branch', async () => {
    const second = world.own.createMission('second')
    const { worktree } = world.own.placement(second)
    await world.pending()
    const one = world.commit()
    world.own.git.gitIn(worktree, 'merge', '-q', '--ff-only', world.branch)
    expect(await world.pending()).toEqual([one])
    world.git('reset', '-q', '--hard', world.base)
    expect(await world.pending()).toEqual([one])
    world.own.git.gitIn(worktree, 'switch', '-q', '--detach')
    world.git('branch', '-q', '-D', world.own.branch(second))
    expect(await world.pending()).toEqual([])
  })

  it('is not kept by a mission that began above its commit', async () => {
    const one = world.commit()
    expect(await world.pending()).toEqual([one])
    const { worktree } = world.own.placement(world.own.createMission('second'))
    world.own.git.gitIn(worktree, 'merge', '-q', '--ff-only', world.branch)
    expect(await world.pending()).toEqual([one])
    world.git('reset', '-q', '--hard', world.base)
    expect(await world.pending()).toEqual([])
  })
})

describe('a commit of somebody else', () => {
  it('is none of ours after the logs of its coming have expired', async () => {
    world.theirCommit()
    world.git('fetch', '-q')
    world.forgetFetches()
    world.git('merge', '-q', '--ff-only', '@{upstream}')
    expect(await world.pending()).toEqual([])
    world.loseSyncState()
    expect(await world.pending()).toEqual([])
    const own = world.commit()
    expect(await world.pending()).toEqual([own])
  })

  it('is none of ours where ours was pushed on top and the log of the remote has expired', async () => {
    world.theirCommit()
    world.git('fetch', '-q')
    world.forgetFetches()
    world.git('reset', '-q', '--hard', '@{upstream}')
    const own = world.commit()
    world.push()
    expect(await world.pending()).toEqual([own])
  })

  it.each([
    ['merged', ['merge', '-q', '--ff-only', 'FETCH_HEAD']],
    ['reset to', ['reset', '-q', '--hard', 'FETCH_HEAD']],
  ])('is none of ours where it was fetched by an address and %s', async (_, command) => {
    world.theirCommit()
    world.git('fetch', '-q', world.other, 'HEAD')
    world.git(...command)
    expect(await world.pending()).toEqual([])
    const own = world.commit()
    expect(await world.pending()).toEqual([own])
  })

  it('is none of ours where the remote has left it', async () => {
    const left = world.theirCommit()
    world.git('fetch', '-q')
    world.theirs('reset', '-q', '--hard', 'HEAD^')
    world.theirs('commit', '-q', '--allow-empty', '-m', 'Instead')
    world.theirs('push', '-q', '-f', 'origin', `HEAD:${world.branch}`)
    world.git('fetch', '-q')
    world.git('reset', '-q', '--hard', left)
    expect(await world.pending()).toEqual([])
  })

  it('is none of ours, nor is the merge of a pull, where ours follows at once', async () => {
    const own = world.commit()
    world.theirCommit()
    world.git('pull', '-q', '--no-rebase', '--no-edit')
    const next = world.commit()
    expect(await world.pending()).toEqual([own, next])
  })

  it('is told apart from ours of another branch that a pull brings', async () => {
    world.git('switch', '-qc', 'topic')
    const one = world.commit()
    world.git('push', '-q', 'origin', 'topic')
    world.git('switch', '-q', world.branch)
    world.git('pull', '-q', '--ff-only', 'origin', 'topic')
    expect(await world.pending()).toEqual([one])
  })

  it('is none of ours where it was fetched straight into the branch', async () => {
    const theirs = world.theirCommit()
    world.git('switch', '-q', '--detach')
    world.git('fetch', '-q', world.other, `HEAD:${world.branch}`)
    world.git('switch', '-q', world.branch)
    expect(world.tip()).toBe(theirs)
    expect(await world.pending()).toEqual([])
  })

  it('is none of ours where the mission’s branch is made from the remote’s', async () => {
    world.theirCommit()
    world.git('fetch', '-q')
    world.git('switch', '-q', '--detach')
    world.git('branch', '-q', '-D', world.branch)
    expect(await world.pending()).toEqual([])
    world.git('switch', '-qc', world.branch, `origin/${world.branch}`)
    expect(await world.pending()).toEqual([])
  })

  it('is none that we have pushed, made by plumbing too', async () => {
    world.write(world.worktree, true)
    world.git('add', '-A')
    const own = world.git('commit-tree', world.git('write-tree'), '-p', 'HEAD', '-m', 'Plumbed')
    world.git('update-ref', `refs/heads/${world.branch}`, own)
    world.git('remote', 'set-head', 'origin', world.branch)
    world.push()
    expect(await world.pending()).toEqual([own])
  })
})

describe('memory that is gone', () => {
  it('announces nothing of old where the base was rewritten and thrown away', async () => {
    const second = world.own.createMission('second')
    const { worktree, ref } = world.own.placement(second)
    const git = (...args: string[]): string => world.own.git.gitIn(worktree, ...args).trim()
    const commit = (path: string): void => {
      world.own.git.write(path, `${path}\n`, worktree)
      git('add', '-A')
      git('commit', '-qm', path)
    }
    commit('kitty-specs/older/spec.md')
    expect(await world.pending()).toEqual([])
    const base = git('rev-parse', 'HEAD')
    commit(`kitty-specs/${second}/spec.md`)
    const made = git('rev-parse', 'HEAD')
    expect(await world.pending()).toEqual([made])
    const root = git('commit-tree', `${base}^{tree}`, '-m', 'All that was')
    const anew = git('commit-tree', `${made}^{tree}`, '-p', root, '-m', 'Anew')
    git('update-ref', ref, anew)
    git('reflog', 'expire', '--expire=now', '--all')
    git('gc', '-q', '--prune=now')
    expect(world.own.git.tryGit('cat-file', '-e', base).code).not.toBe(0)
    expect(await world.pending()).toEqual([anew])
    expect(world.superseded()).toEqual({ [made]: null })
  })

  it('tells of a late acknowledgement that the branch has left its commit, and never again', async () => {
    const one = world.commit()
    expect(await world.pending()).toEqual([one])
    world.git('reset', '-q', '--hard', world.base)
    expect(await world.pending()).toEqual([])
    expect(await world.ledger.confirm([one])).toBe(0)
    world.git('reset', '-q', '--hard', one)
    expect(await world.pending()).toEqual([])
  })

  it('costs an unchanged repository no object', async () => {
    world.commit()
    await world.ledger.confirm(await world.pending())
    const objects = join(world.own.commonDir, 'objects')
    renameSync(objects, `${objects}-away`)
    expect(await world.pending()).toEqual([])
    expect(world.ledger.takeWarnings()).toEqual([])
    renameSync(`${objects}-away`, objects)
  })
})

/** Sets a branch to so many commits on top of another, all of the past; the first and the last touch the specs. */
const importOld = (branch: string, from: string, count: number): void => {
  const commits = Array.from({ length: count }, (_, at) => {
    const when = `A <a@b> ${1_700_000_000 + at} +0000`
    const spec = `M 100644 inline kitty-specs/spec-${at}\ndata 1\n${at % 9}\n`
    return [
      `commit refs/heads/${branch}\ncommitter ${when}\ndata 1\nx\n`,
      at === 0 ? `from ${from}\n` : '',
      at === 0 || at === count - 1 ? spec : '',
      '\n',
    ].join('')
  })
  const options = { cwd: world.own.root, input: commits.join('') }
  execFileSync('git', ['fast-import', '--quiet'], options)
}

describe('a branch that moved far', () => {
  it('is looked at so far back and says so; a later rewrite of its end is an ordinary one', async () => {
    const own = world.commit()
    expect(await world.pending()).toEqual([own])
    importOld('bulk', own, HISTORY_COMMITS_MAX + 1)
    world.git('merge', '-q', '--ff-only', 'bulk')
    const last = world.tip()
    expect([...(await world.pending())].sort()).toEqual([own, last].sort())
    expect(world.ledger.takeWarnings()).toMatchObject([{ code: 'HISTORY_CUT' }])
    world.git('commit', '-q', '--amend', '-m', 'Anew')
    expect([...(await world.pending())].sort()).toEqual([own, world.tip()].sort())
    expect(world.superseded()).toEqual({ [last]: world.tip() })
    expect(world.ledger.takeWarnings()).toEqual([])
  })

  it('keeps what is beneath many commits of the past, and loses what it left', async () => {
    const [own, left] = [world.commit(), world.commit()]
    expect(await world.pending()).toEqual([own, left])
    importOld('past', own, 150)
    world.git('reset', '-q', '--hard', 'past')
    const first = world.git('rev-list', '--reverse', `${own}..HEAD`).split('\n')[0] ?? ''
    expect([...(await world.pending())].sort()).toEqual([own, first, world.tip()].sort())
    world.git('reset', '-q', '--hard', left)
    expect(await world.pending()).toEqual([own, left])
    expect(Object.keys(world.superseded()).sort()).toEqual(
      [first, world.git('rev-parse', 'past')].sort(),
    )
  })
})
