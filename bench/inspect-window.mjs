// A window of the inspector in a process of its own: enters by the link of its first argument and reads all that comes.
import { WebSocket } from 'ws'

const [, , link] = process.argv
const { origin } = new URL(link)
const response = await fetch(link, { redirect: 'manual' })
const cookie = response.headers.getSetCookie()[0].split(';')[0]
const secret = response.headers.get('location').split('#session=')[1]
const protocols = ['kittiwake.inspect.1', `session.${secret}`]
const socket = new WebSocket(`${origin.replace('http', 'ws')}/feed`, protocols, {
  headers: { origin, cookie },
})
socket.on('open', () => socket.send('{"type":"kittiwake.hello","protocol":1}'))
socket.once('message', () => process.stdout.write('reading\n'))
socket.on('close', () => process.exit(0))
