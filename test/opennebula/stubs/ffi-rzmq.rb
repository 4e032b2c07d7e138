# The server calls off its socket library when it ends; nothing here uses sockets.
module ZMQ
  class Context; end
end

module FFI
  class DynamicLibrary; end
end
