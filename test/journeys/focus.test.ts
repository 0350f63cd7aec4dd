/** What people say that they work on, from one machine's command to another's view of the team. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { focusPath } from '#dist/project/state-directory.js'
import { openLink, type TestLink } from '../hub/support.ts'
import { SendingWorld } from '../support/background-world.ts'
import { emitNote } from '../support/drafts.ts'
import { until } from '../support/program.ts'

const followers: TestLink[] = []

afterEach(() => {
  for (const link of followers.splice(0)) link.socket.terminate()
})

describe('a declared focus', () => {
  it('is seen by whoever follows the project, until it is cleared or the work has gone on', async () => {
    await using place = await SendingWorld.make()
    const { machine, hub, root, uuid } = place
    const ok = (...args: string[]) => machine.ok(root, args)
    const { mission_slug } = await ok('mission', 'create', 'harbour')
    const mission = mission_slug as string
    // A project begins for the hub with what is recorded of it.
    const early = await place.allowing(() => place.run('focus', '--mission', 'harbour'))
    expect(early).toMatchObject({ code: 0, document: { told: 'no_link' } })
    expect(early.document['focus']).toMatchObject({ mission, wp: null })
    await until('the background process holds the link for it', async () => {
      const { projects } = await place.status()
      return projects[0]?.state === 'live' && projects[0].waiting === 0
    })
    await ok(...emitNote('the first'))
    await vi.waitFor(async () => expect(await hub.rows('event', uuid)).toHaveLength(1), WITHIN)
    const seen = await follow(hub, uuid)
    await seen.until([{ mission }])

    const live = await place.run('focus', '--mission', mission, '--wp', 'wp1', '--for', '30m')
    expect(live.document).toMatchObject({ told: 'live', focus: { mission, wp: 'WP01' } })
    await seen.until([{ mission, wp: 'WP01' }])
    expect((await place.run('focus')).document['focus']).toMatchObject({ mission, wp: 'WP01' })
    expect((await place.run('focus', '--clear')).document).toMatchObject({ cleared: true })
    await seen.until([])

    for (const lane of ['claimed', 'in_progress']) {
      if (lane === 'claimed') await ok('wp', 'create', 'WP02', '--mission', mission)
      await ok('wp', 'move', 'WP02', lane, '--mission', mission)
    }
    await seen.until([{ mission, wp: 'WP02' }])
    const aside = ['--force', '--reason', 'later', '--mission', mission]
    await ok('wp', 'move', 'WP02', 'planned', ...aside)
    await seen.until([])

    await ok('focus', '--mission', mission)
    await seen.until([{ mission }])
    await ok('sync', 'opt-out')
    await seen.until([])
    expect((await place.run('focus', '--mission', mission)).document['told']).toBe('no_consent')
    expect(await seen.none()).toBe(true)
  })

  it('is refused with what to do, and without a project, a link or a login kept all the same', async () => {
    await using place = await SendingWorld.make()
    const { machine, root, uuid } = place
    await machine.ok(root, ['mission', 'create', 'harbour'])
    const codeOf = async (...args: string[]) => {
      const { code, document } = await machine.runHere(root, ['focus', ...args])
      return [code, (document['error'] as { code: string } | undefined)?.code]
    }
    expect(await codeOf('--wp', 'WP01')).toEqual([2, 'FOCUS_OPTIONS'])
    expect(await codeOf('--mission', 'harbour', '--clear')).toEqual([2, 'FOCUS_OPTIONS'])
    for (const [time, told] of [
      ['long', '--for is a time as 10m, 12h or 30d'],
      ['59s', '--for is at least 1m'],
      ['25h', '--for is at most 1d'],
    ] as const) {
      const words = ['focus', '--mission', 'harbour', '--for', time]
      const { code, document } = await machine.runHere(root, words)
      expect(code, time).toBe(2)
      expect(document['error'], time).toMatchObject({ code: 'DURATION_INVALID', message: told })
    }
    expect(await codeOf('--mission', 'nowhere')).toEqual([1, 'MISSION_NOT_FOUND'])
    expect(await codeOf('--mission', 'harbour', '--wp', 'paint')).toEqual([1, 'WP_ID'])
    const bare = machine.repository('bare')
    expect((await machine.runHere(bare, ['focus', '--mission', 'harbour'])).document).toMatchObject(
      { error: { code: 'NO_IDENTITY' } },
    )
    expect((await machine.runHere(bare, ['focus', '--clear'])).document['cleared']).toBe(false)
    await machine.ok(root, ['auth', 'logout'])
    const { told } = await machine.ok(root, ['focus', '--mission', 'harbour'])
    expect(told).toBe('not_authenticated')
    const path = focusPath(machine.state, uuid)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ wp: null })
    // What somebody wrote there, or what is over, is no focus.
    for (const text of ['', '{"mission":"../x","wp":null,"until":9e15}', '[]', PAST]) {
      writeFileSync(path, text)
      expect(await machine.ok(root, ['focus'])).toMatchObject({ focus: null })
    }
    mkdirSync(dirname(path), { recursive: true })
    await machine.ok(root, ['focus', '--mission', 'harbour'])
    await machine.ok(root, ['sync', 'purge', '--yes'])
    expect(existsSync(path)).toBe(false)
  })
})

const WITHIN = { timeout: 30_000 }
const PAST = '{"mission":"harbour","wp":null,"until":1}'

/** Another member of the team, who sees what the hub tells of the project. */
async function follow(hub: { readonly url: string; readonly token: string }, uuid: string) {
  const link = await openLink(hub, hub.token)
  followers.push(link)
  let present: unknown[] | null = null
  link.socket.on('message', (data) => {
    const frame = JSON.parse((data as Buffer).toString('utf8')) as Record<string, unknown>
    if (frame['type'] !== 'presence') return
    present = (frame['present'] as { focus: unknown }[]).map(({ focus }) => focus)
  })
  link.send(JSON.stringify({ type: 'subscribe', project_uuid: uuid }))
  return {
    until: (wanted: readonly unknown[]) =>
      vi.waitFor(() => expect(present).toEqual(wanted), WITHIN),
    /** Whether the hub, asked once more, knows of nobody. */
    none: async () => {
      const asked = await openLink(hub, hub.token)
      followers.push(asked)
      asked.send(JSON.stringify({ type: 'subscribe', project_uuid: uuid }))
      const [, frame] = await asked.take(2)
      return Array.isArray(frame?.['present']) && frame['present'].length === 0
    },
  }
}
