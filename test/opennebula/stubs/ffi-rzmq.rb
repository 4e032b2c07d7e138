# The server stops its socket library at its end; this test uses no sockets.
module ZMQ
  class Context; end
end

module FFI
  class DynamicLibrary; end
end
