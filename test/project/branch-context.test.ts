/** `mission branch-context`: every key of its contract, wherever it is asked. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { ProjectFiles } from '../support/project-files.ts'

describe('mission branch-context', () => {
  it('on the primary branch: all keys, those in capitals too', async () => {
    const project = start()
    const { code, both } = await project.run(['mission', 'branch-context', '--json'])
    expect(code).toBe(0)
    const shared = {
      current_branch: 'main',
      target_branch: 'main',
      base_branch: 'main',
      planning_base_branch: 'main',
      merge_target_branch: 'main',
      branch_matches_target: true,
      branch_strategy_summary: expect.stringContaining('main'),
    }
    const advice = {
      primary_branch: 'main',
      current_is_primary: true,
      recommended_strategy: 'feature-branch',
    }
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    const { branch_matches_target: _, ...nested } = shared
    expect(JSON.parse(both)).toEqual({
      ok: true,
      result: 'success',
      repo_root: project.root,
      target_branch_source: 'current_branch',
      ...shared,
      ...inCapitals(shared),
      EXPECTED_TARGET_BRANCH: 'main',
      EXPECTED_BASE_BRANCH: 'main',
      NOW_UTC_ISO: time,
      ...advice,
      ...inCapitals(advice),
      branch_recommendation_reason: expect.any(String),
      runtime_vars: { ...shared, now_utc_iso: time },
      branch_context: {
        ...nested,
        ...advice,
        expected_checkout_branch: 'main',
        matches_target: true,
        reason: expect.any(String),
      },
      next_step: expect.any(String),
      spec_kitty_version: '3.2.6',
    })
  })

  it('takes another target, and the branch of the worktree that it stands in', async () => {
    const project = start()
    const linked = `${project.folder}/linked`
    project.git('branch', 'release/3')
    project.git('worktree', 'add', '-q', '-b', 'topic/one', linked)
    const args = ['mission', 'branch-context', '--json', '--target-branch', ' release/3 ']
    expect(JSON.parse((await project.run(args, linked)).both)).toMatchObject({
      repo_root: project.root,
      target_branch_source: 'cli_arg',
      current_branch: 'topic/one',
      target_branch: 'release/3',
      EXPECTED_BASE_BRANCH: 'release/3',
      branch_matches_target: false,
      recommended_strategy: 'stay',
      branch_context: { expected_checkout_branch: 'release/3', matches_target: false },
      next_step: expect.stringContaining('release/3'),
    })
  })

  it('believes a remote, and recommends nothing where no primary branch is known', async () => {
    const project = start()
    project.git('checkout', '-q', '-b', 'trunk')
    project.git('update-ref', 'refs/remotes/origin/trunk', 'HEAD')
    project.git('symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/trunk')
    expect(await contextOf(project)).toMatchObject({
      primary_branch: 'trunk',
      current_is_primary: true,
    })
    project.git('symbolic-ref', '-d', 'refs/remotes/origin/HEAD')
    project.git('branch', '-q', '-D', 'main')
    const unknown = await contextOf(project)
    expect(unknown).not.toHaveProperty('primary_branch')
    expect(unknown).not.toHaveProperty('RECOMMENDED_STRATEGY')
    expect(unknown).toMatchObject({ branch_context: { primary_branch: null, reason: null } })
  })

  it.each([
    ['a detached HEAD', 'DETACHED_HEAD', []],
    ['no branch name', 'BRANCH_NAME', ['--target-branch', 'a..b']],
    ['a branch that is not there', 'BRANCH_UNKNOWN', ['--target-branch', 'nope']],
  ])('refuses %s', async (_what, code, args) => {
    const project = start()
    if (code === 'DETACHED_HEAD') project.git('checkout', '-q', '--detach')
    const ended = await project.run(['mission', 'branch-context', '--json', ...args])
    expect(ended.code).toBe(1)
    expect(JSON.parse(ended.both)).toMatchObject({ ok: false, error: { code } })
  })

  it('reads a project that the gate blocks, and shows people the short of it', async () => {
    const project = start()
    project.metadata = 'spec_kitty: [\n'
    const { code, out } = await project.run(['mission', 'branch-context'])
    expect(code).toBe(0)
    expect(out).toMatch(/^current branch +main\n/)
  })
})

function start(): ProjectFiles {
  const project = new ProjectFiles()
  onTestFinished(() => project.remove())
  return project
}

async function contextOf(project: ProjectFiles): Promise<object> {
  return JSON.parse((await project.run(['mission', 'branch-context', '--json'])).both) as object
}

function inCapitals(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key.toUpperCase(), value as unknown]),
  )
}
