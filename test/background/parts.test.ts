/** The parts of the background process that need no process: places, record, registry, log, door, order of versions. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { say } from '#dist/background/control-client.js'
import { ControlServer } from '#dist/background/control-server.js'
import { BackgroundLog, followLog, LOG_BYTES_MAX, readLog } from '#dist/background/log.js'
import { readOwner, writeOwner } from '#dist/background/owner-record.js'
import { makePlaces, type Places, placesOf } from '#dist/background/places.js'
import { LINE_LENGTH_MAX } from '#dist/background/protocol.js'
import { addEntry, entryNames, readEntry, removeEntry } from '#dist/background/registry.js'
import { isOlder } from '#dist/background/version-order.js'
import { SenderLease } from '#dist/workers/store/sender-lease.js'
import { fc, property } from '../support/property.ts'

const home = mkdtempSync(join(tmpdir(), 'kittiwake-parts-'))
let count = 0
let places: Places

beforeEach(() => {
  places = placesOf(join(home, String(count++)))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

describe(placesOf, () => {
  it('keeps the control socket near, but where its path would be too long, and names a pipe on Windows', () => {
    expect(places.control).toBe(join(places.folder, 'control.sock'))
    const far = placesOf(join(home, 'x'.repeat(90))).control
    expect(far).toMatch(/^\/tmp\/kittiwake-\d+\/[0-9a-f]{32}\.sock$/)
    expect(placesOf(join(home, 'y'.repeat(90))).control).not.toBe(far)
    expect(placesOf(home, 'win32').control).toMatch(/^\\\\\.\\pipe\\kittiwake-[0-9a-f]{32}$/)
  })

  it('is heard at a far socket, too, which is gone with its server', async () => {
    const far = placesOf(join(home, 'z'.repeat(90)))
    makePlaces(far)
    const server = new ControlServer(far.control, () => ({ heard: true }))
    await server.listen()
    const said = await say(far, { type: 'status' }, 5_000)
    server.destroy()
    expect(said).toEqual({ state: 'answered', line: '{"heard":true}' })
    expect(existsSync(far.control)).toBe(false)
  })

  it('refuses a folder that others may enter, on both sides (S18)', async () => {
    makePlaces(places)
    const server = new ControlServer(places.control, () => ({ heard: true }))
    await server.listen()
    chmodSync(dirname(places.control), 0o755)
    expect(() => makePlaces(places)).toThrow(
      expect.objectContaining({ code: 'BACKGROUND_FOLDER_UNSAFE' }),
    )
    expect(await say(places, { type: 'status' }, 5_000)).toEqual({ state: 'refused' })
    server.destroy()
  })
})

describe('the owner record', () => {
  it('is read as it was written, and what can not be read is not taken for absent', () => {
    makePlaces(places)
    expect(readOwner(places.owner)).toEqual({ state: 'absent' })
    const started_at = new Date(0).toISOString()
    const record = { pid: 7, version: '1.0.0', started_at, protocol: 1, nonce: 'n'.repeat(32) }
    writeOwner(places.owner, record)
    expect(readOwner(places.owner)).toEqual({ state: 'present', record })
    expect(statSync(places.owner).mode & 0o777).toBe(0o600)
    for (const text of ['', '{"pid":7', '[]', JSON.stringify({ ...record, nonce: '' })]) {
      writeFileSync(places.owner, text)
      expect(readOwner(places.owner)).toEqual({ state: 'unusable' })
    }
    writeOwner(places.owner, record)
    chmodSync(places.owner, 0o644)
    expect(readOwner(places.owner)).toEqual({ state: 'unusable' })
  })
})

describe('the registry', () => {
  it('has a file for each root, which a later project of the root replaces', () => {
    makePlaces(places)
    const [one, other] = [
      { root: '/a', uuid: 'u1' },
      { root: '/b', uuid: 'u1' },
    ]
    for (const entry of [one, other, one]) addEntry(places.projects, entry)
    expect(entriesOf()).toEqual([one, other])
    expect(readdirSync(places.projects)).toHaveLength(2)
    addEntry(places.projects, { root: '/a', uuid: 'u2' })
    // Whoever saw the old one takes nothing away from the new one.
    removeEntry(places.projects, one)
    removeEntry(places.projects, other)
    expect(entriesOf()).toEqual([{ root: '/a', uuid: 'u2' }])
    const [name = ''] = entryNames(places.projects)
    expect(statSync(join(places.projects, name)).mode & 0o777).toBe(0o600)
    writeFileSync(join(places.projects, name), '{"root"')
    expect(entriesOf()).toEqual([null])
  })

  function entriesOf() {
    return entryNames(places.projects)
      .map((name) => readEntry(join(places.projects, name)))
      .sort((a, b) => ((a?.root ?? '') < (b?.root ?? '') ? -1 : 1))
  }
})

describe(BackgroundLog, () => {
  it('stays below its bound, for its owner alone, and is followed over its turns', () => {
    makePlaces(places)
    const log = new BackgroundLog(places.log, 1_000)
    const news = followLog(places.log)
    const seen: unknown[] = []
    for (let at = 0; at < 60; at++) {
      log.write('LINE', { at_line: at })
      if (at % 5 === 0) seen.push(...news.next().map((line) => line['at_line']))
    }
    expect(seen).toEqual(Array.from({ length: 56 }, (_, at) => at))
    const sizes = [places.log, `${places.log}.1`].map((path) => statSync(path))
    for (const { size, mode } of sizes) {
      expect(size).toBeLessThan(1_200)
      expect(mode & 0o077).toBe(0)
    }
    expect(readLog(places.log, 3).map((line) => line['at_line'])).toEqual([57, 58, 59])
    expect(LOG_BYTES_MAX).toBe(256 * 1024)
  })

  it.runIf(existsSync('/dev/full'))('harms nobody where the disk is full', () => {
    const log = new BackgroundLog('/dev/full')
    expect(() => log.write('LINE')).not.toThrow()
  })

  it('says how many lines could not be written, and passes over a torn one', () => {
    makePlaces(places)
    const log = new BackgroundLog(places.log)
    mkdirSync(places.log)
    log.write('LOST')
    log.write('LOST')
    rmSync(places.log, { recursive: true })
    writeFileSync(places.log, '{"at":"2026-11-')
    writeFileSync(places.log, '\n', { flag: 'a' })
    log.write('KEPT')
    expect(readLog(places.log, 10)).toMatchObject([
      { code: 'LINES_LOST', count: 2 },
      { code: 'KEPT' },
    ])
  })
})

describe(ControlServer, () => {
  it('answers rubbish with a code, ends who says too much, and goes on serving', async () => {
    makePlaces(places)
    // Left by one that died.
    writeFileSync(places.control, '')
    const heard: unknown[] = []
    const server = new ControlServer(places.control, (request) => {
      heard.push(request)
      return request.type === 'status' ? { ok: true } : null
    })
    await server.listen()
    expect(statSync(places.control).mode & 0o077).toBe(0)
    const invalid = '{"ok":false,"error":{"code":"CONTROL_INVALID"}}\n'
    for (const line of ['', 'null', '{"type":"kill"}', '{"type":"nudge"}', '['.repeat(1_000)]) {
      expect(await raw(`${line}\n`)).toBe(invalid)
    }
    expect(await raw('x'.repeat(2 * LINE_LENGTH_MAX))).toBe('')
    expect(await raw('{"type":"status"}\n{"type":"stop"}\n')).toBe('{"ok":true}\n')
    await say(places, { type: 'nudge', project: 'u' }, 5_000)
    expect(await say(places, { type: 'status' }, 5_000)).toMatchObject({ state: 'answered' })
    expect(heard).toEqual([{ type: 'status' }, { type: 'nudge', project: 'u' }, { type: 'status' }])
    server.destroy()
    expect(await say(places, { type: 'status' }, 5_000)).toEqual({ state: 'refused' })
  })

  function raw(text: string): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(places.control)
      let answer = ''
      socket.on('data', (chunk) => (answer += String(chunk)))
      socket.on('error', () => undefined)
      socket.on('close', () => resolve(answer))
      socket.write(text)
    })
  }
})

describe(isOlder, () => {
  it('goes by numbers, and takes a preview for older than its release', () => {
    const ordered = ['x', '0.1.0', '0.2.0-rc.1', '0.2.0', '0.10.0', '1.0.0', '10.0.0']
    for (const [at, one] of ordered.entries()) {
      for (const [place, other] of ordered.entries()) {
        expect([one, other, isOlder(one, other)]).toEqual([one, other, at < place])
      }
    }
  })

  property([fc.string(), fc.string()])('is never true both ways', (one, other) => {
    expect(isOlder(one, other) && isOlder(other, one)).toBe(false)
  })
})

describe('a lock that is only looked at', () => {
  it('is held by its holder alone, and makes no file', () => {
    makePlaces(places)
    expect(SenderLease.isHeld(places.lock)).toBe(false)
    expect(existsSync(places.lock)).toBe(false)
    SenderLease.tryAcquire(places.lock)?.release()
    expect(SenderLease.isHeld(places.lock)).toBe(false)
    writeFileSync(places.lock, readFileSync(import.meta.filename))
    expect(() => SenderLease.isHeld(places.lock)).toThrow(
      expect.objectContaining({ name: 'StoreError' }),
    )
  })
})
