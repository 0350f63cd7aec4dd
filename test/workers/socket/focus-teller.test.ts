/** When a hub is told what its user works on, and when not. */
import { describe, expect, it } from 'vitest'
import type { Focus } from '#dist/contracts/wire/focus.js'
import { FocusTeller } from '#dist/workers/socket/focus-teller.js'
import { PROJECT, ScriptedHub, SNAPSHOT, Facts, goLive, linkTo } from './scripted-hub.ts'

function teller() {
  const said: unknown[] = []
  const state = { focus: null as Focus | null, isGranted: true, look: (): void => {} }
  const one = new FocusTeller({
    projectUuid: PROJECT,
    read: () => state.focus,
    granted: (uuid) => uuid === PROJECT && state.isGranted,
    say: (frame) => said.push((JSON.parse(frame) as { focus: unknown }).focus),
    setTimer: (act) => {
      state.look = act
      return () => (state.look = () => {})
    },
  })
  return { one, said, state }
}

const LOGIN = { mission: 'login', wp: 'WP01' }

describe('the teller of a focus', () => {
  it('says what has changed, once, and that it is over', () => {
    const { one, said, state } = teller()
    one.start()
    expect(said).toEqual([])
    state.focus = LOGIN
    state.look()
    state.look()
    state.focus = null
    state.look()
    state.look()
    expect(said).toEqual([LOGIN, null])
    state.focus = LOGIN
    one.stop()
    state.look()
    expect(said).toEqual([LOGIN, null])
  })

  it('says nothing without consent', () => {
    const { one, said, state } = teller()
    state.isGranted = false
    state.focus = LOGIN
    one.start()
    expect(said).toEqual([])
    state.isGranted = true
    state.look()
    expect(said).toEqual([LOGIN])
  })

  it('says again later what was refused, and only that', () => {
    const { one, said, state } = teller()
    state.focus = LOGIN
    one.start()
    one.refused('of another project')
    state.look()
    expect(said).toEqual([LOGIN])
    one.refused(PROJECT)
    state.look()
    expect(said).toEqual([LOGIN])
    for (let looks = 0; looks < 30; looks += 1) state.look()
    expect(said).toEqual([LOGIN, LOGIN])
  })

  it.each([
    ['announces presence', { ...SNAPSHOT, features: ['presence'] }, 1],
    ['announces nothing', SNAPSHOT, 0],
    [
      'speaks the stricter dialect',
      { ...SNAPSHOT, features: ['presence'], admission_generation: 1, binding_audience: 'a' },
      0,
    ],
  ])('is heard by a hub that %s %#', async (_, snapshot, count) => {
    const hub = await ScriptedHub.start({ greet: (peer) => peer.send(JSON.stringify(snapshot)) })
    const facts = new Facts()
    const focus = { projectUuid: PROJECT, read: () => LOGIN }
    const link = linkTo(hub, facts, { focus })
    await goLive(link, facts)
    await link.close()
    await hub.stop()
    expect(hub.frames.filter(({ type }) => type === 'presence')).toHaveLength(count)
  })
})
