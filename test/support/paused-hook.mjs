// What `core.fsmonitor` starts in a test: git waits until the test has answered, and then looks at all files by itself.
import { connect } from 'node:net'

const socket = connect(process.env['PAUSE_SOCKET'])
socket.on('close', () => process.exit(1)).on('error', () => process.exit(1))
socket.resume()
