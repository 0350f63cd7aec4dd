/** What a chaos run stands on must itself be right: a seed is one programme, and each byte that a client sends is read. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { HUB_ADDRESS, LinkProxy } from '../../scripts/chaos/link-proxy.mjs'
import { Random } from '../../scripts/chaos/random.mjs'
import { WireReader } from '../../scripts/chaos/wire-reader.mjs'

describe('a seed', () => {
  it('is one programme, and another seed another one', () => {
    const programme = (seed: number) => {
      const random = new Random(seed)
      const fork = random.fork()
      return Array.from({ length: 20 }, () => [random.between(1, 6), fork.pick(['a', 'b', 'c'])])
    }
    expect(programme(7)).toEqual(programme(7))
    expect(programme(7)).not.toEqual(programme(8))
    expect(programme(7).every(([dice]) => Number(dice) >= 1 && Number(dice) <= 6)).toBe(true)
  })
})

describe('the network of a chaos run', () => {
  const heard: string[] = []
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.end('taken'))
  })
  const sockets = new WebSocketServer({ noServer: true })
  let proxy: LinkProxy
  let at: string

  beforeEach(async () => {
    heard.length = 0
    server.on('upgrade', (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (peer) =>
        peer.on('message', (data) => peer.send(String((data as Buffer).length))),
      ),
    )
    await once(server.listen(0, HUB_ADDRESS), 'listening')
    const { port } = server.address() as AddressInfo
    proxy = await LinkProxy.open({ host: HUB_ADDRESS, port }, (text: string) => heard.push(text))
    at = `127.0.0.1:${port}`
  })

  afterEach(async () => {
    await proxy.close()
    server.removeAllListeners('upgrade').close()
  })

  it('is read: what is zipped, what is masked, what comes in pieces', async () => {
    const gzip = { 'content-encoding': 'gzip', authorization: 'Bearer seen' }
    const post = { method: 'POST', headers: gzip, body: gzipSync('a zipped word') }
    expect(await (await fetch(`http://${at}/batch`, post)).text()).toBe('taken')
    const socket = new WebSocket(`ws://${at}`, { perMessageDeflate: false })
    await once(socket, 'open')
    for (const text of ['short', 'm'.repeat(300), 'l'.repeat(70_000)]) {
      socket.send(text)
      expect(String((await once(socket, 'message'))[0])).toBe(String(text.length))
      expect(heard).toContain(text)
      proxy.mode = 'slow'
    }
    socket.terminate()
    expect(heard).toContain('a zipped word')
    expect(heard.some((text) => text.includes('Bearer seen'))).toBe(true)
    expect(proxy.unread).toEqual([])
    expect(proxy.bytes).toBeGreaterThan(70_000)
  })

  it('can be cut, fall silent, and be whole again', async () => {
    proxy.mode = 'cut'
    await expect(fetch(`http://${at}/`)).rejects.toThrow('fetch failed')
    proxy.mode = 'silent'
    let answer = ''
    const asked = fetch(`http://${at}/later`).then(async (response) => {
      answer = await response.text()
    })
    await vi.waitFor(() => expect(proxy.connections).toBe(1))
    expect(answer).toBe('')
    proxy.mode = 'whole'
    await asked
    expect(answer).toBe('taken')
  })

  it.each([
    ['a body of unknown length', 'POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n'],
    [
      'a body that can not be inflated',
      'POST / HTTP/1.1\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nno',
    ],
    ['a frame without a mask', 'GET / HTTP/1.1\r\nupgrade: websocket\r\n\r\n\u0001\u0001a'],
    ['a frame with an extension', 'GET / HTTP/1.1\r\nupgrade: websocket\r\n\r\n\u0041\u0001a'],
  ])('says what can not be read: %s', (why, bytes) => {
    const reader = new WireReader(() => undefined)
    for (const byte of Buffer.from(bytes)) reader.take(Buffer.from([byte]))
    expect(reader.fault).toBe(why)
  })
})
