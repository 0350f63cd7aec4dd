/** What the first two commands of every user print, to the letter, and the same as a document. */
import { realpathSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { rawHere } from '../support/run-here.ts'
import { RuntimeWorld } from '../support/runtime-world.ts'

type Printed = { readonly out: string; readonly document: Record<string, unknown> }

function place(world: RuntimeWorld) {
  const env = { ...process.env, KITTIWAKE_HOME: world.state, KITTIWAKE_AUTO_START: '0' }
  const print = async (...args: readonly string[]): Promise<string> => {
    const { code, out, err } = await rawHere({ cwd: world.root, env }, args)
    expect([code, err]).toEqual([0, ''])
    return out
  }
  const read = async (...args: readonly string[]): Promise<Printed['document']> =>
    JSON.parse(await print(...args, '--json')) as Printed['document']
  return { print, read }
}

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/

describe('init', () => {
  it('says which project there is, whether it is new, and what to do', async () => {
    const world = new RuntimeWorld()
    const { print, read } = place(world)
    const slug = basename(world.root).toLowerCase()
    const first = await print('init')
    const uuid = UUID.exec(first)?.[0] ?? ''
    expect(first).toBe(
      `Created: project ${slug} (${uuid})\n` +
        'Commit .kittify: a clone without it would be a project of its own.\n',
    )
    expect(await print('init')).toBe(`Already there: project ${slug} (${uuid})\n`)
    expect(await read('init')).toMatchObject({
      ok: true,
      created: false,
      adopted: 0,
      project: { uuid, slug },
    })
  })

  it.each([
    [1, 'Adopted 1 event recorded before.'],
    [2, 'Adopted 2 events recorded before.'],
  ])('says that it has adopted what was recorded before: %d', async (count, line) => {
    const world = new RuntimeWorld()
    const { print } = place(world)
    const runtime = await world.open()
    for (let at = 0; at < count; at += 1) await runtime.emit({ event_type: 'NoteTaken' })
    await runtime.stop()
    expect((await print('init')).split('\n')).toEqual([
      expect.stringMatching(/^Created: project /),
      line,
      'Commit .kittify: a clone without it would be a project of its own.',
      '',
    ])
  })
})

describe('mission create', () => {
  it('says the name, the branch and what to commit', async () => {
    const world = await RuntimeWorld.withProject()
    const { print } = place(world)
    const text = await print('mission', 'create', 'harbour')
    const name = /harbour-[0-9A-Z]{8}/.exec(text)?.[0] ?? ''
    expect(text).toBe(
      `Created mission ${name} on kitty/mission-${name}\n` +
        `Commit kitty-specs/${name}, so that others have the mission.\n`,
    )
  })

  it('on the branch that is there says that one', async () => {
    const world = await RuntimeWorld.withProject()
    world.repository.git('switch', '-q', '-c', 'work')
    const { print, read } = place(world)
    const args = ['mission', 'create', 'quay', '--topology', 'single_branch']
    expect(await print(...args)).toMatch(
      /^Created mission (quay-[0-9A-Z]{8}) on work\nCommit kitty-specs\/\1, so that others have the mission\.\n$/,
    )
    const made = await read('mission', 'create', 'pier', '--topology', 'single_branch')
    expect(made).toEqual({
      ok: true,
      mission_slug: expect.stringMatching(/^pier-[0-9A-Z]{8}$/) as string,
      mission_id: expect.stringMatching(/^[0-9A-Z]{26}$/) as string,
      branch: 'work',
      worktree: realpathSync(join(world.root)),
    })
  })
})

describe('a project in which nothing is yet', () => {
  it.each([
    ['status', 'No missions.'],
    ['status verify', 'No missions.'],
    ['mission list', 'No missions.'],
    ['glossary list', 'No terms.'],
    ['queue list', 'No events.'],
  ])('%s says so', async (words, line) => {
    const world = await RuntimeWorld.withProject()
    expect(await place(world).print(...words.split(' '))).toBe(`${line}\n`)
  })
})
