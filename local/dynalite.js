// dynalite as a child process: says its port on the first line, ends with its standard input.
const createServer = require(process.argv[2])

const server = createServer({ createTableMs: 0 })
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.on('end', () => process.exit())
process.stdin.resume()
