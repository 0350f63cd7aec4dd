/** Commits made by whatever program: which of them are this clone's own, and what becomes of their frames. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CloneWorld } from '../../support/clone-world.ts'

let world: CloneWorld
beforeEach(async () => {
  world = new CloneWorld()
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
